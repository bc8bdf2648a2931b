"""What the Keras tests need before Keras is loaded."""

from __future__ import annotations

import os

# TensorFlow's greetings on standard error; read once, when it is imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# JAX compiles every operation for every shape; what runs once is not worth optimising.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
