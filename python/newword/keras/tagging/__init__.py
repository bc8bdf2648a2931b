"""Tagging heads: their scores, losses, metrics and decoding; the tagger is built from them."""
