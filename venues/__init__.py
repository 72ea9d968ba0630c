"""Exchanges, one package each, the interface they implement, and the registry that finds them. No sockets, no I/O.

`docs/add-a-venue.md` builds an exchange; `docs/venues/` describes the messages and rules of each.
"""
