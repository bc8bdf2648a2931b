"""What the examples have in common on the command line."""

from __future__ import annotations

import argparse
from typing import Any

ENCODERS = ("bilstm", "dgcnn", "transformer")
HEADS = ("crf", "bidirectional_memm", "memm", "softmax")


def parser(description: str | None, files: str) -> argparse.ArgumentParser:
    """Files, the model, training."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--train", metavar="FILE", help=f"{files}; built-in data by default")
    made.add_argument("--test", metavar="FILE", help="a tenth of the training data by default")
    made.add_argument("--encoder", choices=ENCODERS, default="bilstm")
    made.add_argument("--head", choices=HEADS, default="crf")
    made.add_argument("--units", type=int, default=128)
    made.add_argument("--epochs", type=int, default=10)
    made.add_argument("--learning-rate", type=float, default=2e-3)
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--save", metavar="FILE", help="where to write the tagger")
    made.add_argument("--quick", action="store_true", help="a small model, within 20 seconds")
    return made


def tagger_options(given: argparse.Namespace) -> dict[str, Any]:
    """The arguments of a `Tagger`."""
    options = {"encoder": given.encoder, "head": given.head, "units": given.units}
    if given.quick:
        options |= {"encoder": "dgcnn", "units": 32, "embedding_dim": 32, "num_layers": 1}
    return {**options, "seed": given.seed}


def fit_options(given: argparse.Namespace) -> dict[str, Any]:
    """The arguments of `Tagger.fit`."""
    if given.quick:
        return {"epochs": 6, "learning_rate": 0.02, "verbose": 0}
    return {"epochs": given.epochs, "learning_rate": given.learning_rate, "patience": 3}


def held_out(items: list[Any]) -> tuple[list[Any], list[Any]]:
    """All but every tenth, and every tenth."""
    return [one for at, one in enumerate(items) if at % 10], items[::10]
