"""What tests read of a tensor, whichever backend made it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def numpy(x: Any) -> Array:
    """A tensor or a variable of any dtype as NumPy, half precision as float32.

    NumPy itself, and `float`, warn of variables on JAX, and refuse what has a gradient on PyTorch.
    """
    import keras

    x = keras.ops.convert_to_tensor(x)
    if keras.backend.is_float_dtype(keras.backend.standardize_dtype(x.dtype)):
        x = keras.ops.cast(x, "float32")
    return np.asarray(keras.ops.convert_to_numpy(x))
