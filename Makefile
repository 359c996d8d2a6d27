# Thin on purpose: everything here is also one Python command, for systems without make (see book/building.md).
PROFILE ?= cpu
SOURCE ?= drawn
ROOT ?=
CHAPTERS ?=
JOBS ?= 0
ADDRESS ?=
# Which build of PyTorch: cpu, default (on Linux: for NVIDIA cards), or auto, what suits this computer.
TORCH ?= auto
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
# The Python that makes .venv: one of your choice, or the first of these that will do.
PYTHON ?=
TRIED := $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11 python)
PYTHONS := $(if $(PYTHON),'$(PYTHON)',$(TRIED))

IN_VENV := .venv/bin/python
WITH_PYTHON = @for python in $(PYTHONS); do \
	if "$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' >/dev/null 2>&1; \
	then exec "$$python" $(1); fi; done; \
	found=$$(for python in $(PYTHONS); do "$$python" --version 2>/dev/null; done | sort -u | paste -sd, -); \
	echo "make: this needs Python 3.11, 3.12, 3.13 or 3.14; tried $(TRIED): $${found:-none of them runs}." \
	"Install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1

.PHONY: book pdf serve test claims lab app bench lock lock-check sbom clean install

book: install
	@$(IN_VENV) -m agebook build --profile "$(PROFILE)" --source "$(SOURCE)" --root "$(ROOT)" --chapters "$(CHAPTERS)" --jobs "$(JOBS)" --address "$(ADDRESS)"

pdf: book
	@$(IN_VENV) -m agebook pdf --source "$(SOURCE)" --root "$(ROOT)"

serve: install
	@$(IN_VENV) -m agebook serve

test: install
	OMP_NUM_THREADS=1 $(IN_VENV) -m pytest -n auto --dist worksteal

# whether what the prose says of the book's own run is true of it (after `make book`, whose trainings it finds)
claims: install
	$(IN_VENV) -m pytest -m claims tests/chapters

lab: install
	@$(IN_VENV) -m agebook lab

app: install
	@$(IN_VENV) -m agebook app

bench: install
	@$(IN_VENV) -m agebook bench

# requirements.lock made of requirements.txt; resolved for every system and Python; listed for those who ask what is in it
lock:
	$(call WITH_PYTHON,-m agebook.build.lock)

lock-check:
	$(call WITH_PYTHON,-m agebook.build.lock --check)

sbom:
	$(call WITH_PYTHON,-m agebook.build.lock --sbom _build/sbom.json)

# What was built. Data, decoded pictures and trainings stay: they lie in data/generated.
clean:
	rm -rf _build .pytest_cache .ruff_cache .hypothesis

install:
	$(call WITH_PYTHON,-m agebook.build.install --torch "$(TORCH)" --torch-index "$(TORCH_INDEX)" $(if $(PYTHON),--exactly))
