"""The tagger: data, model, training, decoding and file."""
