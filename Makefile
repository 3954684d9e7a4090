# Postroad for its developers. `make run` and `make test` do all the set-up themselves.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)
UV_VERSION := 0.13.8
UV := .tools/bin/uv
BIN := .venv/bin
export UV_PYTHON_DOWNLOADS := never

.PHONY: setup run test torture quick check fmt bench fuzz clean debian s3server deploytools

setup: .venv/.done

.tools/.done:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: apt install python3 python3-venv"; exit 1; }
	@echo "Making the tools folder with $(PYTHON)"
	@$(PYTHON) -m venv .tools || { echo "The venv module is missing: apt install python3-venv"; exit 1; }
	@.tools/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

.venv/.done: .tools/.done pyproject.toml uv.lock
	@echo "Installing what uv.lock names"
	@$(UV) sync --quiet --locked --python $(PYTHON)
	@touch $@

run: setup
	@$(BIN)/postroad demo

# Real servers and clients for the tests. Without root they are skipped, loudly.
debian:
	@tests/support/install-debian

# A real S3 server for the tests. Without Go they are skipped, loudly.
s3server:
	@tests/support/install-s3

# What checks the files of deploy/. What is missing is skipped, loudly.
deploytools: .tools/.done
	@tests/support/install-deploy

test: setup debian s3server deploytools
	@tests/support/run-tests all

# Three nodes under many faults, for half an hour: TEST_FAULTS=500 TEST_TORTURE_SEED=1 make torture
torture: setup debian s3server
	@TEST_FAULTS=$${TEST_FAULTS:-150} $(BIN)/python -m pytest -q -s tests/torture

quick: setup
	@tests/support/run-tests quick

check: setup
	@$(BIN)/ruff format --check src tests bench
	@$(BIN)/ruff check src tests bench
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

fmt: setup
	@$(BIN)/ruff format src tests bench
	@$(BIN)/ruff check --fix src tests bench

bench: setup debian
	@$(BIN)/python -m bench

fuzz: setup
	@$(UV) sync --quiet --locked --python $(PYTHON) --group fuzz
	@for target in tests/fuzz/fuzz_*.py; do echo "$$target"; $(BIN)/python $$target -max_total_time=60 || exit 1; done

clean:
	rm -rf .venv .tools .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis
