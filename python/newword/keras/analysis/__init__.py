"""Probes of the loss landscape of Keras models, and layers to compare kinds of normalization."""
