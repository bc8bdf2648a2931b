"""Masks and layers of sequences; the other parts of `newword.keras` build on them."""
