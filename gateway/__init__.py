"""The gateway: REST, accounts and live sockets over the database, Redis and the rules topic."""
