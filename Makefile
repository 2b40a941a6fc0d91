# `make` alone lists the targets. Every target that runs code first installs its tools.
.DEFAULT_GOAL := help
BIN := .venv/bin
EXAMPLES := quick
.PHONY: help bootstrap demo test check lint docs dist lock storm bench clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

bootstrap: ## Install what is missing: Debian packages, node_modules, .venv
	@scripts/bootstrap

demo: bootstrap ## Show two CI jobs, a conflict, a forced fix and the pages, on a throw-away registry and remote
	@scripts/demo

test: bootstrap ## Run all tests, each property with few examples
	@$(BIN)/pytest --hypothesis-profile=$(EXAMPLES)

check: EXAMPLES := full
check: lint test ## Run what has to pass before a change lands: lint, and all tests with all examples

lint: bootstrap ## Check format, style, types and the floors of the code
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo

docs: bootstrap ## Update the help, the output and the pictures in the docs from real runs
	@$(BIN)/python -m tests.support.stage.docs
	@$(BIN)/python -m tests.support.browser.pictures

dist: bootstrap ## Build wheel, sdist, zipapp and their checksums into dist/
	@$(BIN)/python -m release

LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --quiet --upgrade \
  --custom-compile-command "make lock"
lock: bootstrap ## Lock the newest allowed dependencies, by hash: what the program needs, and what builds a release
	@$(BIN)/$(LOCK) --output-file requirements.txt pyproject.toml
	@$(BIN)/$(LOCK) --output-file release/requirements.txt release/requirements.in

storm: bootstrap ## Run the long tests that no other target runs: storms of faults, state machines, searches for attacks
	@$(BIN)/pytest -m storm --hypothesis-profile=full

bench: bootstrap ## Measure reading, publishing and racing writers
	@$(BIN)/python -m benchmarks

clean: ## Remove everything that was built, including .venv
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist \
	  tests/support/browser/node_modules
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
