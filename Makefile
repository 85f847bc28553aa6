# `make help` says what there is. Everything works without root, without Docker and without a PostgreSQL of your own.
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help
# Where it is set, each of the dozens of processes compiles Airflow anew: nine seconds instead of three.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help setup demo up test lint fix lock screenshots bench-snapshot soak-snapshot bench-validation scale-validation soak-certification bench-report bench-ui bench-schedule chaos environment-file test-most test-airflow lint-types lint-rest

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' Makefile

setup: ## Make .venv with all pinned packages; a second time it does nothing
	@$(PYTHON) scripts/set_up.py

demo: setup ## Show a whole certification event on real data; make demo ARGS=--exit checks it and stops
	@$(BIN)/certify demo $(ARGS)

up: setup ## Run everything on this machine until Ctrl-C
	@$(BIN)/certify up $(ARGS)

test: setup lint ## Run all checks and tests; make test ARGS=tests/people runs the tests of one part
	@$(BIN)/python scripts/browser.py
ifdef ARGS
	$(BIN)/pytest $(ARGS)
else
	@$(MAKE) --no-print-directory --jobs=2 --keep-going test-most test-airflow
endif

test-most: setup ## Run the tests that start no Airflow
	$(BIN)/pytest -m "not stack" --numprocesses 2 --dist loadfile --no-loadscope-reorder

# They wait more than they compute, so they run beside the others; what they say comes at their end.
test-airflow: setup ## Run the tests that start a real Airflow
	@mkdir -p .pytest_cache
	@$(BIN)/pytest -m stack tests/airflow >.pytest_cache/airflow.txt 2>&1; status=$$?; cat .pytest_cache/airflow.txt; exit $$status

lint: setup ## Check style, types, the direction of imports, and that migrations and code agree
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target lint-types lint-rest

lint-types: setup ## Check types alone
	$(BIN)/mypy

lint-rest: setup ## Check everything of lint but types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	PYTHONPATH=.:plugins $(BIN)/lint-imports --no-logo
	$(BIN)/python scripts/check_migrations.py

fix: setup ## Repair what can be repaired by itself in style
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: setup ## Pin the newest versions that fit pyproject.toml and package.json
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --no-header --upgrade -q -o requirements.txt
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --no-header --upgrade -q -c requirements.txt -o requirements-dev.txt
	cd plugins/certification_ui && npm install --package-lock-only

screenshots: setup ## Take pictures of every page at two widths; small ones stand in docs/screens.md
	@$(BIN)/python scripts/browser.py
	SCREENSHOTS=screenshots $(BIN)/pytest tests/browser
	$(BIN)/python scripts/screens.py screenshots docs

bench-snapshot: setup ## Measure snapshots beside their baselines, one line of JSON for each figure
	@$(BIN)/python -m tests.benchmarks.snapshot $(ARGS)

soak-snapshot: setup ## Disturb 500 snapshots at random moments; make soak-snapshot ARGS='--times 5000 --seed 2'
	@$(BIN)/python -m tests.snapshots.faults $(ARGS)

bench-validation: setup ## Measure validation beside its baselines, one line of JSON for each figure
	@$(BIN)/python -m tests.benchmarks.validation_suite $(ARGS)

scale-validation: setup ## Find every injected error of 200,000 students, by rule, district and school
	@$(BIN)/python -m tests.benchmarks.validation_scale $(ARGS)

soak-certification: setup ## Walk 5,000 random steps through a certification beside an independent model; STEPS=50000 walks more
	CERTIFICATION_SOAK_STEPS=$(or $(STEPS),5000) $(BIN)/pytest -q -s tests/certification/test_state_machine.py

bench-report: setup ## Measure the Event Report of a large state in every format, one line of JSON for each figure
	@$(BIN)/python -m tests.benchmarks.report $(ARGS)

bench-ui: setup ## Measure the pages of a large state beside Airflow's own list of DAGs, one line of JSON for each figure
	@$(BIN)/python -m tests.benchmarks.ui $(ARGS)

bench-schedule: setup ## Measure parsing, publishing and doing of many events, one line of JSON for each figure
	@$(BIN)/python -m tests.benchmarks.schedule $(ARGS)
	@$(BIN)/python -m tests.benchmarks.mail

chaos: setup ## Kill parts of a running installation in 30 rounds of an event; make chaos ARGS='--rounds 100 --seed 2'
	@$(BIN)/python -m tests.airflow.chaos $(ARGS)

environment-file: ## Write .env with generated secrets for docker-compose.yaml
	@$(PYTHON) scripts/environment_file.py
