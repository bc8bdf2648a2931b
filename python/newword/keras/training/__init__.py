"""Adversarial training of any compiled Keras model."""
