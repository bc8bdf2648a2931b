"""The tagging heads' training step, log Z, and a tagger's decoding: `make bench-heads`.

Heads have no encoder: features are given, so that all ratios are at their worst. What is compared
takes turns, so that noise of the machine meets all of it; a ratio is the median over turns, with
its quartiles. Every loss, log Z and gradient is held against its slow twin before it is timed.
KERAS_BACKEND chooses the backend, tensorflow or jax.
"""

from __future__ import annotations

import argparse
import functools
import logging
import time

import keras
import numpy as np
from keras import ops

import log_partitions
from harness import Report, machine, require_release
from log_partitions import JAX, TENSORFLOW, XLA
from newword import TagScheme
from newword.keras import CRF, MEMM, BidirectionalMEMM, SoftmaxTagging, Tagger
from newword.keras import tagger as tagger_module
from newword.keras.tagging.log_partition import chain_log_partition
from newword.samples import SyntheticCorpus
from tests.support.chains import Chain, forward_backward

BATCH, STEPS, TAGS, FEATURES, SEED = 32, 128, 9, 64, 0
WARM_UP = 5
CHARACTERS = 200_000
# Zeros, the default, would let a loss without transitions pass for right.
RANDOM = keras.initializers.RandomNormal(seed=SEED)
HEADS = {
    "softmax": SoftmaxTagging,
    "MEMM": MEMM,
    "bidirectional MEMM": BidirectionalMEMM,
    "CRF": CRF,
}
OURS, LOOP = "newword.keras", "a loop that only adds (no log Z)"


def main() -> None:
    """Runs every section; exits with an error where an answer is wrong, never for slowness."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer turns, within a minute")
    quick = parser.parse_args().quick
    require_release()
    # TensorFlow takes the different models and formulations for one that is traced anew.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    backend = keras.backend.backend()
    print(f"# {machine()}, keras {keras.__version__} on {backend}")
    turns = 30 if quick else 200
    print(f"# batch {BATCH} x {STEPS}, {TAGS} tags, seed {SEED}; median and quartiles of {turns}")
    report = Report()
    # First: behind the compiled graphs of the rest, what takes fresh pages takes twice as long.
    print(f"# a tagger of one gated convolution, {CHARACTERS:,} characters of synthetic text")
    decoding_share(report, 5 if quick else 15)
    for mode in (TENSORFLOW, XLA) if backend == "tensorflow" else (JAX,):
        print(f"# {mode}")
        training_steps(report, mode, turns)
        formulations(report, mode, turns, quick)


def training_steps(report, mode, turns):
    """`train_on_batch` of each head on the same features, tags and mask."""
    rng = np.random.default_rng(SEED)
    features = rng.normal(size=(BATCH, STEPS, FEATURES)).astype("float32")
    mask = np.arange(STEPS)[None] < lengths_of(rng)[:, None]
    tags = np.where(mask, rng.integers(0, TAGS, mask.shape), -100)
    given = [ops.convert_to_tensor(features), ops.convert_to_tensor(mask)]
    models = {name: model_of(head, mode) for name, head in HEADS.items()}
    for model in models.values():
        expected = slow_loss(model, model.predict_on_batch(given), tags, mask)
        np.testing.assert_allclose(model.train_on_batch(given, tags)[0], expected, rtol=1e-4)
    labels = ops.convert_to_tensor(tags)
    works = {
        name: functools.partial(model.train_on_batch, given, labels)
        for name, model in models.items()
    }
    times = take_turns(works, turns)
    for name, each in times.items():
        ratio, shown = ratios(each, times["softmax"])
        promised = ("<= 3 x softmax", ratio <= 3) if name == "CRF" else ()
        report.add(f"training step, {name}", f"{milliseconds(each)}, {shown}", *promised)


def model_of(head_class, mode):
    """A compiled model that is a head and nothing else."""
    keras.utils.set_random_seed(SEED)
    inputs = [keras.Input((None, FEATURES)), keras.Input((None,), dtype="bool")]
    more = {} if head_class is SoftmaxTagging else {"transition_initializer": RANDOM}
    head = head_class(TAGS, name="head", **more)
    model = keras.Model(inputs, head(inputs[0], mask=inputs[1]))
    metrics = [head.accuracy()]
    model.compile("adam", head.loss(), metrics=metrics, jit_compile=mode != TENSORFLOW)
    return model


def decoding_share(report, turns):
    """How much of `Tagger.predict` is not the encoder: decoding, with all that it needs."""
    corpus = SyntheticCorpus(SEED, vocabulary_size=2000, alphabet_size=800)
    texts = list(corpus.lines(n_chars=CHARACTERS))
    for head in ("softmax", "memm", "bidirectional_memm", "crf"):
        tagger = Tagger(TagScheme("BMES"), "dgcnn", head, num_layers=1, seed=SEED).build(texts)
        assert ["".join(words) for words in tagger.predict(texts)] == [
            "".join(text.split()) for text in texts
        ]
        whole, decoding = [], []
        decode_scores = tagger_module.decode_scores
        try:
            tagger_module.decode_scores = timed(decode_scores, decoding)
            predict = timed(tagger.predict, whole)
            for _ in range(turns):
                predict(texts)
        finally:
            tagger_module.decode_scores = decode_scores
        low, share, high = np.quantile(np.array(decoding) / np.array(whole), [0.25, 0.5, 0.75])
        shown = f"{share:.1%} ({low:.1%} to {high:.1%}) of {milliseconds(np.array(whole))}"
        report.add(f"decoding's share of Tagger.predict, {head}", shown, "<= 5 %", share <= 0.05)


def timed(function, times):
    """The function, which then notes how long each call takes."""

    def run(*arguments):
        start = time.perf_counter()
        result = function(*arguments)
        times.append(time.perf_counter() - start)
        return result

    return run


def slow_loss(model, packed, tags, mask):
    """The mean loss of a token by the slow twin, from the emissions that a model packed."""
    head = model.get_layer("head")
    emissions = np.asarray(packed, np.float64)[:, :STEPS, :TAGS]
    zeros = np.zeros(TAGS)
    chain = Chain(head.layout.model, np.zeros((TAGS, TAGS)), zeros, zeros)
    if head.layout.dense:
        chain.g = np.asarray(ops.convert_to_numpy(head.transitions), np.float64)
    total = 0.0
    for row, keep in zip(range(BATCH), mask, strict=True):
        e, path = emissions[row, keep], tuple(tags[row, keep])
        if head.layout.model == "crf":
            total += forward_backward(e, chain.g)[0] - chain.numerator(e, path)
        else:
            total -= chain.log_probability(e, path)
    return total / mask.sum()


def formulations(report, mode, turns, quick):
    """log Z and its gradient, ours and others', each compiled on its own."""
    rng = np.random.default_rng(SEED)
    case, hard = random_case(rng), log_partitions.hard_case(rng)
    functions = {OURS: chain_log_partition}
    for name, (function, modes) in log_partitions.RIVALS.items():
        if mode in modes and not (quick and name in log_partitions.SLOW):
            functions[name] = function
    works, wrong = {}, set()
    for name, function in functions.items():
        works[name] = compiled(function, mode, case)
        assert agrees(works[name](), case, 1e-4), f"{name} is wrong"
        if not agrees(compiled(function, mode, hard)(), hard, 1e-3):
            wrong.add(name)
    assert OURS not in wrong, "log Z is wrong where constraints are hard"
    times = take_turns({**works, LOOP: compiled(log_partitions.bare_loop, mode, case)}, turns)
    for name, each in times.items():
        _, shown = ratios(each, times[OURS])
        note = "wrong, hard constraints" if name in wrong else ""
        report.add(f"log Z, {name}", f"{milliseconds(each)}, {shown}", note)
    for kind, left_out in (("that is always right", wrong), ("of all", set())):
        others = {name: times[name] for name in functions if name not in {OURS, *left_out}}
        fastest = min(others, key=lambda name: np.median(others[name]))
        ratio, shown = ratios(times[OURS], others[fastest])
        report.add(f"  ours to the fastest {kind}", shown, "<= 1 x", ratio <= 1)


def random_case(rng):
    """Emissions, transitions and lengths of the measured size."""
    emissions = rng.normal(size=(BATCH, STEPS, TAGS)).astype("float32")
    transitions = rng.normal(size=(TAGS, TAGS)).astype("float32")
    return emissions, transitions, lengths_of(rng)


def lengths_of(rng):
    """The lengths of a batch, one of them full."""
    lengths = rng.integers(STEPS // 2, STEPS + 1, BATCH).astype("int32")
    lengths[0] = STEPS
    return lengths


def compiled(function, mode, case):
    """A call that gives log Z of a case and the gradients of its sum, compiled as a whole."""
    tensors = [ops.convert_to_tensor(one) for one in case]
    if mode == JAX:
        import jax

        def total(emissions, transitions, lengths):
            log_z = function(emissions, transitions, lengths)
            return log_z.sum(), log_z

        run = jax.jit(jax.value_and_grad(total, argnums=(0, 1), has_aux=True))

        def on_jax():
            (_, log_z), slopes = jax.block_until_ready(run(*tensors))
            return log_z, *slopes

        return on_jax
    import tensorflow as tf

    @tf.function(jit_compile=mode == XLA)
    def on_tensorflow(emissions, transitions, lengths):
        with tf.GradientTape() as tape:
            tape.watch((emissions, transitions))
            log_z = function(emissions, transitions, lengths)
        return log_z, *tape.gradient(log_z, (emissions, transitions))

    return functools.partial(on_tensorflow, *tensors)


def agrees(found, case, tolerance):
    """Whether log Z and both gradients are those of the slow twin, up to rounding."""
    emissions, transitions, lengths = case
    marginals, pairs, log_z = np.zeros(emissions.shape), np.zeros(transitions.shape), []
    for row, length in enumerate(lengths):
        one, marginals[row, :length], more = forward_backward(emissions[row, :length], transitions)
        log_z.append(one)
        pairs += more
    expected = (np.array(log_z), marginals, pairs)
    # Counts are sums over the batch and the steps: what rounding does grows with them.
    scales = (np.abs(log_z).max(), 1.0, max(1.0, pairs.max()))
    return all(
        np.allclose(ours, theirs, rtol=0, atol=tolerance * scale)
        for ours, theirs, scale in zip(found, expected, scales, strict=True)
    )


def take_turns(works, turns):
    """Seconds of each call of each work, one after the other in every turn."""
    times = {name: [] for name in works}
    for turn in range(WARM_UP + turns):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            if turn >= WARM_UP:
                times[name].append(time.perf_counter() - start)
    return {name: np.array(each) for name, each in times.items()}


def ratios(times, base):
    """The median ratio over the turns, and how to show it with its quartiles."""
    low, middle, high = np.quantile(times / base, [0.25, 0.5, 0.75])
    return middle, f"{middle:.2f} x ({low:.2f} to {high:.2f})"


def milliseconds(times):
    """The median."""
    return f"{1e3 * np.median(times):.2f} ms"


if __name__ == "__main__":
    main()
