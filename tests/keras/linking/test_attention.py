"""Attention between texts and descriptions against the definition, one head and query at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from keras import ops

from newword.keras._backend import compiled
from newword.keras.linking.attention import PairAttention
from tests.support.tensors import numpy

UNITS, HEADS = 6, 2
STEPS, FEATURES = (4, 5), 3
QUERY_MASK = np.array([[1, 1, 0, 1], [1, 0, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1]], bool)
MEMORY_MASK = np.array([[1, 0, 1, 1, 0], [1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0]], bool)


def attention(dtype: str = "float32") -> Any:
    made = PairAttention(UNITS, HEADS, dtype=dtype)
    made.build((None, None, FEATURES), (None, None, FEATURES))
    rng = np.random.default_rng(0)
    made.set_weights([rng.normal(0, 1, one.shape) for one in made.get_weights()])
    return made


def inputs() -> tuple[Any, Any]:
    rng = np.random.default_rng(1)
    queries, memory = (rng.normal(0, 1, (4, steps, FEATURES)) for steps in STEPS)
    return queries.astype("float32"), memory.astype("float32")


def found(made: Any, queries: Any, memory: Any) -> Any:
    def run(queries: Any, memory: Any) -> Any:
        keys_values = made.memory(memory, ops.convert_to_tensor(MEMORY_MASK))
        mask = ops.convert_to_tensor(QUERY_MASK)
        return ops.cast(made.maximum(made.queries(queries), keys_values, mask), "float32")

    return numpy(compiled(run, made.variables)(queries, memory))


def expected(made: Any, queries: Any, memory: Any) -> Any:
    """Loops over rows, heads and queries, with the valid steps only."""
    query, key, value, bias = (numpy(one).astype("float64") for one in made.weights)
    size, result = UNITS // HEADS, np.zeros((4, UNITS))
    for row in range(4):
        seen, asked = memory[row][MEMORY_MASK[row]], queries[row][QUERY_MASK[row]]
        if not len(seen) or not len(asked):
            continue
        for head in range(HEADS):
            part = slice(head * size, (head + 1) * size)
            outputs = []
            for one in asked @ query[:, part]:
                weights = np.exp(one @ (seen @ key[:, part]).T / size**0.5)
                outputs.append(weights / weights.sum() @ (seen @ value[:, part] + bias[part]))
            result[row, part] = np.max(outputs, axis=0)
    return result


@pytest.mark.contract
def test_the_output_is_that_of_the_definition() -> None:
    made, (queries, memory) = attention(), inputs()
    np.testing.assert_allclose(found(made, queries, memory), expected(made, queries, memory), 1e-4)


def test_half_precision_gives_finite_outputs_near_those_of_float32() -> None:
    queries, memory = inputs()
    result = found(attention("mixed_float16"), queries.astype("float16"), memory.astype("float16"))
    np.testing.assert_allclose(result, found(attention(), queries, memory), atol=0.03)


def test_one_key_warns_of_nothing(recwarn: pytest.WarningsRecorder) -> None:
    made = attention()
    memory = made.memory(np.ones((1, 1, FEATURES), "float32"), np.ones((1, 1), bool))
    made.maximum(made.queries(np.ones((1, 2, FEATURES), "float32")), memory, np.ones((1, 2), bool))
    assert not [one for one in recwarn.list if "softmax" in str(one.message)]
