"""Oracles, corpora and harnesses that several tests share."""
