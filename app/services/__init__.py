"""Verbs: the only owners of a transaction."""
