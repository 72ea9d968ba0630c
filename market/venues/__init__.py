"""One module per venue: facts, parser, sequence rule."""
