"""The processes of the local stack: installation, start, supervision and stop."""
