"""log Z and its gradients against enumeration and float64 recursions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from keras import ops  # noqa: E402

from newword.keras.tagging.log_partition import chain_log_partition, path_score  # noqa: E402
from tests.support.chains import Chain, forward_backward, paths  # noqa: E402
from tests.support.tagging import compile_lightly, differentiate, gradients  # noqa: E402
from tests.support.tensors import numpy  # noqa: E402

compile_lightly()

LENGTHS = np.array([5, 3, 1, 0])


def random_chain(rng: Any, steps: Any = 5, tags: Any = 3, scale: Any = 1.0) -> Any:
    emissions = scale * rng.normal(size=(len(LENGTHS), steps, tags))
    return emissions.astype("float32"), rng.normal(size=(tags, tags)).astype("float32")


@pytest.mark.contract
@pytest.mark.parametrize("twice", [False, True])
def test_value_equals_the_sum_over_all_paths(twice: Any) -> None:
    emissions, transitions = random_chain(np.random.default_rng(0))
    found = numpy(chain_log_partition(emissions, transitions, LENGTHS, twice))
    chain = Chain("crf", transitions, np.zeros(3), np.zeros(3))
    for row, length in enumerate(LENGTHS):
        e = emissions[row, :length]
        expected = np.logaddexp.reduce([chain.numerator(e, y) for y in paths(e)]) if length else 0
        np.testing.assert_allclose(found[row], expected, atol=2e-6)


@pytest.mark.contract
@pytest.mark.parametrize("twice", [False, True])
def test_gradients_are_marginals(twice: Any) -> None:
    emissions, transitions = random_chain(np.random.default_rng(1))
    weights = np.array([1.0, -2.0, 0.5, 3.0], "float32")

    def total(e: Any, a: Any) -> Any:
        return ops.sum(chain_log_partition(e, a, LENGTHS, twice) * ops.convert_to_tensor(weights))

    by_emission, by_transition = gradients(total, emissions, transitions)
    pairs = np.zeros((3, 3))
    for row, length in enumerate(LENGTHS):
        expected = np.zeros((5, 3))
        if length:
            _, expected[:length], counts = forward_backward(emissions[row, :length], transitions)
            pairs += weights[row] * counts
        np.testing.assert_allclose(by_emission[row], weights[row] * expected, atol=2e-6)
    np.testing.assert_allclose(by_transition, pairs, atol=5e-6)


@pytest.mark.parametrize("forbidden", [-1e4, -np.inf])
def test_hard_constraints_meet_large_gaps(forbidden: Any) -> None:
    """Matrix products underflow here: what survives is only reachable from what they lost."""
    rng = np.random.default_rng(2)
    for scale in (20.0, 150.0):  # on both sides of where products stop being enough
        emissions, transitions = random_chain(rng, steps=9, scale=scale)
        transitions[0, 1] = transitions[1, 2] = transitions[2, 2] = forbidden
        lengths = np.array([9, 9, 4, 1])

        def total(e: Any, a: Any, lengths: Any = lengths) -> Any:
            return ops.sum(chain_log_partition(e, a, lengths))

        by_emission, by_transition = gradients(total, emissions, transitions)
        pairs = np.zeros((3, 3))
        for row, length in enumerate(lengths):
            finite = np.maximum(transitions.astype(float), -1e8)
            log_z, marginals, counts = forward_backward(emissions[row, :length], finite)
            pairs += counts
            found = numpy(chain_log_partition(emissions, transitions, lengths))[row]
            np.testing.assert_allclose(found, log_z, rtol=1e-6)
            np.testing.assert_allclose(by_emission[row, :length], marginals, atol=2e-4)
        np.testing.assert_allclose(by_transition, pairs, atol=5e-4)


def test_long_sequences_lose_nothing() -> None:
    rng = np.random.default_rng(3)
    emissions = (10 * rng.normal(size=(2, 800, 4))).astype("float32")
    transitions = (3 * rng.normal(size=(4, 4))).astype("float32")
    lengths = np.array([800, 377])
    (found,) = gradients(lambda e: ops.sum(chain_log_partition(e, transitions, lengths)), emissions)
    for row, length in enumerate(lengths):
        log_z, marginals, _ = forward_backward(emissions[row, :length], transitions)
        value = numpy(chain_log_partition(emissions, transitions, lengths))[row]
        np.testing.assert_allclose(value, log_z, rtol=2e-6)
        np.testing.assert_allclose(found[row, :length], marginals, atol=2e-4)


def test_second_derivatives_of_the_plain_loop() -> None:
    emissions, transitions = random_chain(np.random.default_rng(4))
    direction = np.random.default_rng(5).normal(size=emissions.shape).astype("float32")

    def total(e: Any) -> Any:
        return ops.sum(chain_log_partition(e, transitions, LENGTHS, True))

    def along(e: Any) -> Any:
        return ops.sum(differentiate(total)(e)[0] * ops.convert_to_tensor(direction))

    (found,) = gradients(along, emissions)
    step = 1e-2
    ahead = gradients(total, emissions + step * direction)[0]
    behind = gradients(total, emissions - step * direction)[0]
    np.testing.assert_allclose(found, (ahead - behind) / (2 * step), atol=2e-3)


@pytest.mark.parametrize(("steps", "tags"), [(1, 3), (4, 1), (1, 1)])
@pytest.mark.parametrize("twice", [False, True])
def test_the_smallest_chains(steps: Any, tags: Any, twice: Any) -> None:
    rng = np.random.default_rng(6)
    emissions = rng.normal(size=(2, steps, tags)).astype("float32")
    transitions = rng.normal(size=(tags, tags)).astype("float32")
    lengths = np.array([steps, 1])

    def total(e: Any, a: Any) -> Any:
        return ops.sum(chain_log_partition(e, a, lengths, twice))

    value, (by_emission, _) = (
        total(emissions, transitions),
        gradients(total, emissions, transitions),
    )
    expected = [forward_backward(emissions[row, : lengths[row]], transitions) for row in (0, 1)]
    np.testing.assert_allclose(numpy(value), sum(one[0] for one in expected), rtol=1e-5)
    np.testing.assert_allclose(by_emission[0], expected[0][1], atol=1e-5)


def test_unknown_sizes_in_a_compiled_function() -> None:
    if keras.backend.backend() != "tensorflow":
        pytest.skip("sizes are known on this backend whenever something is compiled")
    import tensorflow as tf

    spec = [tf.TensorSpec((None, None, 3)), tf.TensorSpec((3, 3)), tf.TensorSpec((None,), tf.int32)]
    compiled = tf.function(chain_log_partition, input_signature=spec)
    rng = np.random.default_rng(7)
    for batch, steps in ((2, 4), (3, 1), (1, 7)):
        emissions = rng.normal(size=(batch, steps, 3)).astype("float32")
        transitions = rng.normal(size=(3, 3)).astype("float32")
        found = compiled(emissions, transitions, np.full(batch, steps, np.int32))
        expected = [forward_backward(one, transitions)[0] for one in emissions]
        np.testing.assert_allclose(numpy(found), expected, rtol=1e-5)


def test_path_score_adds_up() -> None:
    emissions, transitions = random_chain(np.random.default_rng(8))
    tags = np.random.default_rng(9).integers(0, 3, (4, 5))
    found = numpy(path_score(emissions, transitions, tags, LENGTHS))
    chain = Chain("crf", transitions, np.zeros(3), np.zeros(3))
    for row, length in enumerate(LENGTHS):
        expected = chain.numerator(emissions[row], tuple(tags[row, :length])) if length else 0.0
        np.testing.assert_allclose(found[row], expected, atol=1e-5)
