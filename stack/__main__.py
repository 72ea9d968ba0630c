"""`python -m stack` is `depthflow`."""

from stack.cli import main

main()
