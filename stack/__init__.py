"""The embedded local stack and the `depthflow` command. Nobody imports this package."""
