"""Models of markets and option chains, the encoder interface, and one simulated connection. No exchange, no socket."""
