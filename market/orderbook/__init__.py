"""Order books: sides, metrics, synchronisation state, journal, and the builder that makes records from envelopes."""
