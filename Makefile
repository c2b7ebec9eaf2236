# Everything runs in .venv/ of this checkout; a bare machine needs Python 3.11 or newer, and make.
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help demo test test-slow real real-rekor real-monitor lint bench bench-quick profiles evaluate calibration faults fleet notebooks reports cases docs lock clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

.venv/bin/python:
	$(PYTHON) -m venv .venv

# The locks are complete. Left to itself, an older pip looks past their pins for what an extra asks for.
.venv/.runtime: .venv/bin/python requirements.lock pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/.dev: .venv/.runtime requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

demo: .venv/.runtime  ## print the timeline of the built-in reconstruction and write its report
	$(BIN)/forensics timeline --case ultralytics-2024-12 --exit-zero
	$(BIN)/forensics report ultralytics-2024-12 -o reports/ultralytics-2024-12.html --exit-zero

test: .venv/.dev  ## run the tests that are quick, nearly all of them (no network needed)
	$(BIN)/python -m pytest -n auto --dist loadfile -m 'not slow'

test-slow: .venv/.dev  ## run the rest: browsers, notebooks, whole commands over whole worlds (no network needed)
	$(BIN)/python -m pytest -n auto --dist loadfile -m slow

real: .venv/.dev  ## run the tests against the real rekor-tiles server; needs Go and its module proxy
	FORENSICS_REAL=1 $(BIN)/python -m pytest -n 0 -rs tests/real/test_rekor_tiles.py

real-rekor: .venv/.dev  ## run the tests against a real Rekor v1; needs Go, MariaDB and Redis
	FORENSICS_REAL_REKOR=1 $(BIN)/python -m pytest -n 0 -rs tests/real/test_rekor_v1.py

real-monitor: .venv/.dev  ## run the tests beside rekor-monitor; needs Go and its module, or FORENSICS_REKOR_MONITOR
	FORENSICS_REAL_MONITOR=1 $(BIN)/python -m pytest -n 0 -rs tests/real/test_rekor_monitor.py

lint: .venv/.dev  ## style, types, import directions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: .venv/.dev  ## measure the budgets as ratios; writes bench/RESULTS.md and bench/results.json
	$(BIN)/python -m bench

bench-quick: .venv/.dev  ## the same with less of everything; writes nothing
	$(BIN)/python -m bench --quick

profiles: .venv/.dev  ## write bench/profiles/: where the time goes on the two slowest paths
	$(BIN)/python -m bench --profiles

evaluate: .venv/.dev  ## run every scenario through the installed command and compare with what must be concluded
	$(BIN)/python -m tests.lab evaluate fixtures/scenarios

calibration: .venv/.dev  ## evaluate, and write docs/calibration.md
	$(BIN)/python -m tests.lab evaluate fixtures/scenarios --calibration docs/calibration.md

faults: .venv/.dev  ## run every source in every kind of fault; writes the table of docs/reliability.md
	$(BIN)/python -m tests.lab faults docs/reliability.md

fleet: .venv/.dev  ## sweep 2,000 projects, killed twice, and again on a cluster that loses a worker (half an hour)
	FORENSICS_FLEET=2000 $(BIN)/python -m pytest -n 0 -s tests/sweep/test_large_fleet.py

notebooks: .venv/.dev  ## execute the notebooks
	$(BIN)/python -m pytest -n 0 tests/notebooks

docs: .venv/.dev  ## build the documentation site into site/ (no network needed)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

reports: .venv/.runtime  ## remake the sample reports of all built-in cases
	@for case in $(patsubst %.zip,%,$(notdir $(wildcard fixtures/cases/*.zip))); do for form in html md; do \
		$(BIN)/forensics report $$case -o reports/$$case.$$form --exit-zero || exit; done; done

cases: .venv/.dev  ## record the built-in cases anew, with new keys
	set -e; port=8740; for id in ultralytics-2024-12 svglib-2.0.0 axios-2026-03 tanstack-2026-05; do \
		$(BIN)/python -m tests.lab record $$id fixtures/cases/$$id.zip --port $$port --vouch forensics/trust/known.toml; \
		port=$$((port + 1)); done

lock:  ## pin the dependencies anew
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--group build pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--all-extras --group build --group dev pyproject.toml -o requirements-dev.lock

clean:  ## remove the virtual environment and caches
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis test-artifacts dist
