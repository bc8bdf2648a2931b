"""Tagging heads: scores, losses, metrics and decoding; the tagger builds on them."""
