"""Tools for language models over the gateway's REST interface, by the Model Context Protocol."""
