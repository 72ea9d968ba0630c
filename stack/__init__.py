"""The local stack, the demo and the `depthflow` command. Only `bench` and tests import this package."""
