"""Entity linking: the joint model, its data, training, scoring, decoding and file."""
