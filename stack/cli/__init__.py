"""The `depthflow` command: the table of all commands, and the stack's own commands."""
