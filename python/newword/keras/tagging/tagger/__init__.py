"""From tagged texts to a tagger: its data, model, training, decoding and file."""
