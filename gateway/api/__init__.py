"""REST calls."""
