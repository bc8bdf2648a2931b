"""Masks and sequence layers, used by the other parts of `newword.keras`."""
