"""The generator: data, batches, training, generation, diagnostics and file."""
