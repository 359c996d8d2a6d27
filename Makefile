# Thin on purpose: everything here is also one Python command, for systems without make (see book/how-to-run.md).
PROFILE ?= cpu
SOURCE ?= drawn
ROOT ?=
CHAPTERS ?=
JOBS ?= 0
ADDRESS ?=

PYTHON := .venv/bin/python
# The first of these that there is makes the environment.
BASE := $(firstword $(shell command -v python3.11) $(shell command -v python3))

.PHONY: book pdf serve test lab app bench clean install

book: install
	@$(PYTHON) -m agebook build --profile "$(PROFILE)" --source "$(SOURCE)" --root "$(ROOT)" --chapters "$(CHAPTERS)" --jobs "$(JOBS)" --address "$(ADDRESS)"

pdf: book
	@$(PYTHON) -m agebook pdf

serve: install
	@$(PYTHON) -m agebook serve

test: install
	OMP_NUM_THREADS=1 $(PYTHON) -m pytest -n auto --dist worksteal

lab: install
	@$(PYTHON) -m agebook lab

app: install
	@$(PYTHON) -m agebook app

bench: install
	@$(PYTHON) -m agebook bench

# What was built. Data, decoded pictures and trainings stay: they lie in data/generated.
clean:
	rm -rf _build .pytest_cache .ruff_cache .hypothesis

install: .venv/.installed

.venv/.installed: requirements.txt pyproject.toml book/scripts.yaml
	@test -n "$(BASE)" || { echo "make: no python3 found; install Python 3.11" >&2; exit 1; }
	test -x $(PYTHON) || $(BASE) -m venv .venv
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --requirement requirements.txt --editable .
	$(PYTHON) -m agebook.build.npm
	@if git rev-parse --git-dir >/dev/null 2>&1; then $(PYTHON) -m nbstripout --install --attributes .gitattributes; fi
	@touch $@
