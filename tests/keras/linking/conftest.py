"""The linker that the tests of this folder share."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("keras")

from tests.keras.linking.linkers import small
from tests.linking.bases import knowledge_base, linked_texts


@pytest.fixture(scope="session")
def base() -> Any:
    """The small ambiguous knowledge base."""
    return knowledge_base()


@pytest.fixture(scope="session")
def linker(base: Any) -> Any:
    """A linker that has learned from a hundred texts; no test may train it further."""
    made = small(prior_min_count=None)
    made.history = made.fit(
        linked_texts(120, 0),
        base,
        validation_data=linked_texts(40, 1),
        epochs=8,
        learning_rate=0.02,
        verbose=0,
    ).history
    return made
