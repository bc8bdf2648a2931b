"""What the Keras tests need before Keras is loaded."""

from __future__ import annotations

import contextlib
import os

import pytest

from tests.support.pages import ROOT

SETTINGS = {
    # TensorFlow's greetings on standard error; read once, when it is imported.
    "TF_CPP_MIN_LOG_LEVEL": "3",
    # JAX compiles every operation for every shape; what runs once is not worth optimising, and what
    # another test or the last run compiled is read back.
    "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
    "JAX_COMPILATION_CACHE_DIR": str(ROOT / "target" / "jax-cache"),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    "TORCHINDUCTOR_CACHE_DIR": str(ROOT / "target" / "torch-cache"),
}
if "PYTEST_XDIST_WORKER" in os.environ:
    # The other cores have workers of their own.
    SETTINGS |= {
        "OMP_NUM_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
        "TF_NUM_INTRAOP_THREADS": "1",
    }

for name, value in SETTINGS.items():
    os.environ.setdefault(name, value)

BACKEND = os.environ.get("KERAS_BACKEND", "tensorflow")
if BACKEND == "tensorflow":
    with contextlib.suppress(ImportError, RuntimeError):
        import tensorflow as tf

        # Two devices for the test of replicas. Here, because modules of tests make tensors when
        # they are imported, and after that it is too late.
        tf.config.set_logical_device_configuration(
            tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
        )
if BACKEND == "torch":
    import torch

    # Not only the first time in a process: no test may lean on another that was warned before it.
    torch.set_warn_always(True)


@pytest.fixture(autouse=True)
def same_random_numbers() -> None:
    """What draws without a seed of its own draws the same in every run, whatever ran before."""
    import keras

    keras.utils.set_random_seed(0)
