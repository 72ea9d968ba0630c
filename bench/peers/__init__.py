"""Books and pipelines of peer projects, each run in an environment of its own."""
