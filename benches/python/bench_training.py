"""What changes or observes the training of a Keras model, against its targets.

What is compared runs in turns, and a ratio is the median over the turns. KERAS_BACKEND chooses the
backend. Nothing here uses the extension. Run with ``make bench-training``.
"""

from __future__ import annotations

import logging
import sys

import keras

from benches.python import landscape_probes, training_steps
from benches.python.harness import Report, machine

SECTIONS = (training_steps.section, landscape_probes.section)


def main() -> None:
    """Runs every section; ``--quick`` takes fewer turns and methods."""
    quick = "--quick" in sys.argv[1:]
    # TensorFlow takes the different models for one that is traced anew.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    print(f"# {machine()}, keras {keras.__version__} on {keras.backend.backend()}")
    report = Report()
    for section in SECTIONS:
        section(report, quick=quick)


if __name__ == "__main__":
    main()
