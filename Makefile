# The same commands for a machine without Pixi. Each does its own set-up from a fresh clone; only make and Python are needed.
#   make single-img IMAGE=photo.jpg STAGE=fine ARGS="seed=3 rerun.mode=off"
#   make multi-img INPUT=photos/ ARGS="max_views=40"
#   make test ARGS="-k camera"
# PIP_ARGS reaches the install of torch alone, to choose a build of it: PIP_ARGS="--index-url <index of CPU builds>"
PYTHON ?= python3
VENV ?= .venv
STAGE ?= fine
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip install --disable-pip-version-check

# Through the environment, so that a path may hold any character: neither make nor the shell reads it again.
override export IMAGE := $(value IMAGE)
override export INPUT := $(value INPUT)
export STAGE

.PHONY: single-img multi-img test lint docs bench clean

single-img: $(VENV)/.installed
	$(BIN)/vistadream single-img "stage=$$STAGE" $${IMAGE:+"image=$$IMAGE"} $(ARGS)

multi-img: $(VENV)/.installed
	$(BIN)/vistadream multi-img "stage=$$STAGE" "input=$$INPUT" $(ARGS)

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/vulture

# Fails at a broken link and at a page that mkdocs.yml does not name.
docs: $(VENV)/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: $(VENV)/.installed
	$(BIN)/python benchmarks/pipeline.py $(ARGS)

clean:
	rm -rf $(VENV)

# torch first and alone: PIP_ARGS may name an index that holds nothing else, and with torch in place no later package
# draws another build of it.
$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; name one: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(PIP) $(PIP_ARGS) --no-deps $$(grep '^torch==' constraints.txt)
	$(PIP) -c constraints.txt -e .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements/moge.txt requirements/depth_anything.txt
	$(PIP) -c constraints.txt -e '.[dev,ci]'
	$(PIP) --no-deps -r requirements/moge.txt -r requirements/depth_anything.txt
	touch $@

$(VENV)/.installed-docs: $(VENV)/.installed
	$(PIP) -c constraints.txt -e '.[docs]'
	touch $@
