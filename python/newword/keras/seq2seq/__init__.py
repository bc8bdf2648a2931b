"""Generation of sequences: models, training, and decoding step by step."""
