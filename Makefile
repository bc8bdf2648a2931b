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
# Stamps. Changes to Python files need no reinstall: the development install reads them in place.
RELEASE := $(VENV)/.release
EXTENSION := $(VENV)/.extension
PACKAGES := $(VENV)/.packages

KERAS_TESTS := tests/keras python/newword/keras
KERAS_OLDEST := target/keras-oldest
KERAS_TORCH := target/keras-torch
SPARK := $(CURDIR)/target/spark
SPARK_TESTS := tests/spark python/newword/spark
SERIAL_TESTS := tests/cli tests/test_import.py
# One worker for each core; more than four would need more memory than a usual machine has.
PYTEST := $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal --durations 10

.PHONY: help
help: ## Print this list
	@awk -F':.*## ' '/^[a-z%-]+:.*## /{printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "newword needs Python >= 3.10; name one with PYTHON=...")'
	@command -v cargo >/dev/null || { echo 'newword needs stable Rust: https://rustup.rs' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# What users get, and what is measured.
$(RELEASE): $(BIN)/python pyproject.toml $(RUST_SOURCES)
	$(PIP) install --quiet --editable .
	@touch $(RELEASE) $(EXTENSION)

# What is tested: the profile of `cargo test`, which shares its build and checks for overflow. A release that is there
# already will do.
$(EXTENSION): $(BIN)/python pyproject.toml $(RUST_SOURCES)
	MATURIN_PEP517_ARGS='--profile dev' $(PIP) install --quiet --editable .
	@touch $@

# uv unpacks TensorFlow and the rest in a tenth of the time, but reads no pip.conf: where it finds no index, pip does it.
$(PACKAGES): pyproject.toml | $(EXTENSION)
	$(PIP) install --quiet uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python 'newword[dev]' || $(PIP) install --quiet 'newword[dev]'
	@touch $@

.PHONY: demo
demo: $(RELEASE) ## Set up, then discover the words of the built-in sample
	$(BIN)/newword demo

.PHONY: build
build: $(RELEASE) $(PACKAGES) ## Set up the development environment (release build, editable)

.PHONY: test
test: lint test-rust test-python test-keras test-spark ## Set up, then run everything: lint, types, stubs, Rust, Python, Keras and Spark tests

.PHONY: test-fast
test-fast: lint test-rust test-python ## The inner loop: everything but Keras and Spark

.PHONY: lint
lint: $(EXTENSION) $(PACKAGES) ## Formatting, clippy, ruff, mypy, stubs, documentation build
	cargo fmt --all --check
	cargo clippy --quiet --workspace --all-targets -- -D warnings
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest newword._newword
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict --site-dir target/site

.PHONY: format
format: $(PACKAGES) ## Format Rust and Python
	cargo fmt --all
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: test-rust
test-rust: ## The Rust tests
	cargo test --quiet --workspace

.PHONY: test-python
test-python: $(EXTENSION) $(PACKAGES) ## The Python tests, doctests and documentation snippets
	$(PYTEST) -m "not serial" $(KERAS_TESTS:%=--ignore=%) $(SPARK_TESTS:%=--ignore=%)
	$(BIN)/python -m pytest -m serial $(SERIAL_TESTS)

# Keras chooses its backend when it is imported, so each backend has a run of its own: everything on TensorFlow, and
# on JAX and with the oldest Keras the contract: every layer, every head, saving and loading.
.PHONY: test-keras
test-keras: test-keras-tensorflow test-keras-jax test-keras-oldest ## The tests of newword.keras: all on TensorFlow, the contract on JAX and with the oldest Keras

test-keras-jax test-keras-oldest: SELECTED := $(if $(ALL),,-m contract)

test-keras-%: $(EXTENSION) $(PACKAGES) ## The tests of newword.keras on one backend: tensorflow or jax (ALL=1: more than the contract)
	@if $(BIN)/python -c 'from importlib.util import find_spec as find; exit(not (find("keras") and find("$*")))'; then \
		set -x; KERAS_BACKEND=$* $(PYTEST) $(SELECTED) $(KERAS_TESTS); \
	else \
		echo 'newword.keras is not tested on $*, which is not installed here'; \
	fi

.PHONY: test-keras-oldest
test-keras-oldest: $(EXTENSION) $(PACKAGES) ## The tests of newword.keras with the oldest Keras it supports (ALL=1: more than the contract)
	@if $(BIN)/python -c 'import tensorflow' 2>/dev/null; then \
		set -x; $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --target $(KERAS_OLDEST) 'keras==3.12.*' \
			|| $(PIP) install --quiet --no-deps --upgrade --target $(KERAS_OLDEST) 'keras==3.12.*'; \
		PYTHONPATH=$(KERAS_OLDEST) KERAS_BACKEND=tensorflow $(PYTEST) $(SELECTED) $(KERAS_TESTS); \
	else \
		echo 'newword.keras is not tested with the oldest Keras: TensorFlow is not installed here'; \
	fi

# No part of `make test`: PyTorch comes with CUDA, 5 GB, and compiles one test for two minutes. It goes into a folder of
# its own, beside the packages of the development environment; setuptools as that has it.
.PHONY: test-keras-torch
test-keras-torch: $(EXTENSION) $(PACKAGES) ## The tests of newword.keras on PyTorch, all of them; installs it first, 5 GB
	@if $(BIN)/python -c 'from importlib.util import find_spec as find; exit(not find("keras"))'; then \
		set -x; $(BIN)/uv pip install --quiet --python $(BIN)/python --target $(KERAS_TORCH) torch 'setuptools<81' \
			|| $(PIP) install --quiet --upgrade --target $(KERAS_TORCH) torch 'setuptools<81'; \
		PYTHONPATH=$(KERAS_TORCH) KERAS_BACKEND=torch $(PYTEST) $(KERAS_TESTS); \
	else \
		echo 'newword.keras is not tested on PyTorch: Keras is not installed here'; \
	fi

# PySpark is as large as all other packages together, so it has a folder of its own, unless it is installed already.
.PHONY: spark
spark: | $(PACKAGES) ## Install PySpark for test-spark and bench-spark, 0.5 GB; Java 17 is up to you
	$(BIN)/uv pip install --quiet --python $(BIN)/python --target $(SPARK) 'pyspark>=4.0' \
		|| $(PIP) install --quiet --upgrade --target $(SPARK) 'pyspark>=4.0'

# One process: a session of Spark takes a gigabyte and seconds to start.
.PHONY: test-spark
test-spark: $(EXTENSION) $(PACKAGES) ## The tests of newword.spark, where Java 17 and PySpark are there
	@if ! java -version 2>&1 | grep -Eq '"(1[7-9]|[2-9][0-9])'; then \
		echo 'newword.spark is not tested: Java 17 or later is not installed here'; \
	elif ! PYTHONPATH=$(SPARK) $(BIN)/python -c 'import pyspark' 2>/dev/null; then \
		echo 'newword.spark is not tested: PySpark is not installed here (make spark)'; \
	else \
		set -x; PYTHONPATH=$(SPARK) $(BIN)/python -m pytest --durations 10 $(SPARK_TESTS); \
	fi

# In the profile of the tests, whose dependencies it shares, and without optimising our own crates: what is tested is
# that the distribution is complete.
.PHONY: sdist-demo
sdist-demo: $(PACKAGES) ## Install the source distribution in a clean environment and run the demo from it
	rm -rf target/sdist && mkdir -p target/sdist
	$(BIN)/maturin sdist --out target/sdist
	$(PYTHON) -m venv target/sdist/venv
	CARGO_TARGET_DIR=$(CURDIR)/target CARGO_PROFILE_DEV_OPT_LEVEL=0 MATURIN_PEP517_ARGS='--profile dev' \
		target/sdist/venv/bin/python -m pip --disable-pip-version-check install --quiet target/sdist/newword-*.tar.gz
	cd target/sdist && venv/bin/newword demo

# Whatever is measured must be a release build; the scripts check it again.
.PHONY: bench-discovery
bench-discovery: build ## Measure discovery against its targets and peers (QUICK=1: within a minute)
	$(PIP) install --quiet --editable '.[bench]'
	cargo build --quiet --release -p newword-benches
	PYTHONPATH=. $(BIN)/python benches/python/bench_discovery.py $(if $(QUICK),--quick)

.PHONY: bench-lexicons
bench-lexicons: build ## Measure large lexicons against their targets (QUICK=1: within a minute)
	PYTHONPATH=. $(BIN)/python benches/python/bench_lexicons.py $(if $(QUICK),--words 300000)

.PHONY: bench-tagging
bench-tagging: build ## Measure decoding against its targets and peers (QUICK=1: within a minute)
	$(PIP) install --quiet --editable '.[bench]'
	PYTHONPATH=. $(BIN)/python benches/python/bench_tagging.py $(if $(QUICK),--quick)

.PHONY: bench-heads
bench-heads: build ## Measure the tagging heads' training step and log Z (QUICK=1: within a minute)
	TF_CPP_MIN_LOG_LEVEL=3 PYTHONPATH=. $(BIN)/python benches/python/bench_heads.py $(if $(QUICK),--quick)

.PHONY: bench-generation
bench-generation: build ## Measure beam search and generation against their targets (QUICK=1: within a minute)
	cargo build --quiet --release -p newword-benches
	TF_CPP_MIN_LOG_LEVEL=3 PYTHONPATH=. $(BIN)/python benches/python/bench_generation.py $(if $(QUICK),--quick)

.PHONY: bench-training
bench-training: build ## Measure adversarial training and landscape probes against their targets (QUICK=1: within a minute)
	TF_CPP_MIN_LOG_LEVEL=3 PYTHONPATH=. $(BIN)/python benches/python/bench_training.py $(if $(QUICK),--quick)

.PHONY: bench-linking
bench-linking: build ## Measure knowledge bases and linking against their targets and peers (QUICK=1: within a minute)
	$(PIP) install --quiet --editable '.[bench]'
	TF_CPP_MIN_LOG_LEVEL=3 PYTHONPATH=. $(BIN)/python benches/python/bench_linking.py $(if $(QUICK),--quick)

.PHONY: bench-spark
bench-spark: build ## Measure discovery on Spark against one machine, after make spark (QUICK=1: within a minute)
	PYTHONPATH=.:$(SPARK) $(BIN)/python benches/python/bench_spark.py $(if $(QUICK),--quick)

.PHONY: docs
docs: $(PACKAGES) ## Build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

.PHONY: clean
clean: ## Remove everything that the other targets made
	rm -rf $(VENV) target site dist build
	find python tests -name __pycache__ -prune -exec rm -rf {} +
	rm -f python/newword/_newword*.so
