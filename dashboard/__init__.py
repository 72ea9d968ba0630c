"""The dashboard: the page that the gateway serves at `/live`, and its parts in other hosts."""
