# The one interface to every task. CI and hooks call these targets too.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

RUST_SOURCES := Cargo.toml Cargo.lock $(shell find rust benches -name '*.rs' -o -name Cargo.toml | grep -v /target/)
# Changes to Python files need no reinstall: the development install reads them in place.
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev
KERAS_TESTS := tests/keras python/newword/keras
KERAS_OLDEST := target/keras-oldest

.PHONY: help
help: ## Print this list
	@awk -F':.*## ' '/^[a-z%-]+:.*## /{printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "newword needs Python >= 3.10; name one with PYTHON=...")'
	@command -v cargo >/dev/null || { echo 'newword needs stable Rust: https://rustup.rs' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(INSTALLED): $(BIN)/python pyproject.toml $(RUST_SOURCES)
	$(PIP) install --quiet --editable .
	@touch $@

$(INSTALLED_DEV): $(INSTALLED)
	$(PIP) install --quiet --editable '.[dev]'
	@touch $@

.PHONY: demo
demo: $(INSTALLED) ## Set up, then discover the words of the built-in sample
	$(BIN)/newword demo

.PHONY: build
build: $(INSTALLED_DEV) ## Set up the development environment (release build, editable)

.PHONY: test
test: lint test-rust test-python test-keras ## Set up, then run everything: lint, types, stubs, Rust, Python and Keras tests

.PHONY: lint
lint: $(INSTALLED_DEV) ## Formatting, clippy, ruff, mypy, stubs, documentation build
	cargo fmt --all --check
	cargo clippy --quiet --workspace --all-targets -- -D warnings
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest newword._newword
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict --site-dir target/site

.PHONY: format
format: $(INSTALLED_DEV) ## Format Rust and Python
	cargo fmt --all
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: test-rust
test-rust: ## The Rust tests
	cargo test --quiet --workspace --exclude newword-py

.PHONY: test-python
test-python: $(INSTALLED_DEV) ## The Python tests, doctests and documentation snippets
	$(BIN)/python -m pytest $(KERAS_TESTS:%=--ignore=%)

# Keras chooses its backend when it is imported, so each backend has a run of its own.
.PHONY: test-keras
test-keras: test-keras-tensorflow test-keras-jax test-keras-torch test-keras-oldest ## The tests of newword.keras on every backend, and with the oldest Keras

test-keras-%: $(INSTALLED_DEV) ## The tests of newword.keras on one backend: tensorflow, jax or torch
	@if $(BIN)/python -c 'from importlib.util import find_spec as find; exit(not (find("keras") and find("$*")))'; then \
		set -x; KERAS_BACKEND=$* $(BIN)/python -m pytest $(KERAS_TESTS); \
	else \
		echo 'newword.keras is not tested on $*, which is not installed here'; \
	fi

.PHONY: test-keras-oldest
test-keras-oldest: $(INSTALLED_DEV) ## The tests of newword.keras with the oldest Keras it supports
	@if $(BIN)/python -c 'import tensorflow' 2>/dev/null; then \
		set -x; $(PIP) install --quiet --no-deps --upgrade --target $(KERAS_OLDEST) 'keras==3.12.*'; \
		PYTHONPATH=$(KERAS_OLDEST) KERAS_BACKEND=tensorflow $(BIN)/python -m pytest $(KERAS_TESTS); \
	else \
		echo 'newword.keras is not tested with the oldest Keras: TensorFlow is not installed here'; \
	fi

.PHONY: sdist-demo
sdist-demo: $(INSTALLED_DEV) ## Install the source distribution in a clean environment and run the demo from it
	rm -rf target/sdist && mkdir -p target/sdist
	$(BIN)/maturin sdist --out target/sdist
	$(PYTHON) -m venv target/sdist/venv
	CARGO_TARGET_DIR=$(CURDIR)/target target/sdist/venv/bin/python -m pip --disable-pip-version-check install --quiet target/sdist/newword-*.tar.gz
	cd target/sdist && venv/bin/newword demo

# Whatever is measured must be a release build; the scripts check it again.
.PHONY: bench-discovery
bench-discovery: $(INSTALLED_DEV) ## Measure discovery against its targets and peers (QUICK=1: within a minute)
	$(PIP) install --quiet --editable '.[bench]'
	cargo build --quiet --release -p newword-benches
	PYTHONPATH=. $(BIN)/python benches/python/bench_discovery.py $(if $(QUICK),--quick)

.PHONY: bench-tagging
bench-tagging: $(INSTALLED_DEV) ## Measure decoding against its targets and peers (QUICK=1: within a minute)
	$(PIP) install --quiet --editable '.[bench]'
	PYTHONPATH=. $(BIN)/python benches/python/bench_tagging.py $(if $(QUICK),--quick)

.PHONY: bench-heads
bench-heads: $(INSTALLED_DEV) ## Measure the tagging heads' training step and log Z (QUICK=1: within a minute)
	TF_CPP_MIN_LOG_LEVEL=3 PYTHONPATH=. $(BIN)/python benches/python/bench_heads.py $(if $(QUICK),--quick)

.PHONY: docs
docs: $(INSTALLED_DEV) ## Build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

.PHONY: clean
clean: ## Remove everything that the other targets made
	rm -rf $(VENV) target site dist build
	find python tests -name __pycache__ -prune -exec rm -rf {} +
	rm -f python/newword/_newword*.so
