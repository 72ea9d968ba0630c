"""`python -m stack` runs the `depthflow` command."""

from stack.cli.main import main

main()
