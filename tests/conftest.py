"""Fixtures for all tests."""

from __future__ import annotations

import sys

import pytest

from tests.support.fake_core import FakeCore


@pytest.fixture
def fake_core(monkeypatch: pytest.MonkeyPatch) -> FakeCore:
    """The stand-in for the compiled core, in its place while the test runs."""
    core = FakeCore()
    monkeypatch.setitem(sys.modules, "newword._newword", core)
    return core
