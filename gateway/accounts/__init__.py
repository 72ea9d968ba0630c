"""Accounts: passwords, tokens, roles and their tables."""
