"""Fixtures for all tests."""

from __future__ import annotations

import signal
import sys

import pytest

from tests.support.fake_core import FakeCore

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Jobs that a shell runs in the background ignore Ctrl-C, and what they start does, too: a test
    # of it would wait for work that has no end.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def fake_core(monkeypatch: pytest.MonkeyPatch) -> FakeCore:
    """The stand-in for the compiled core, in its place while the test runs."""
    core = FakeCore()
    monkeypatch.setitem(sys.modules, "newword._newword", core)
    return core
