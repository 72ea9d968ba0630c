"""The simulated exchanges, one module or package each. `simulator.registry` finds them (docs/add-a-venue.md)."""
