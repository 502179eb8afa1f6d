# Two commands do everything from nothing: `make demo` and `make test`.
# PYTHON chooses the interpreter (3.11 or newer), PIP_FLAGS passes options to pip (an index, say).

PYTHON ?= python3
PIP_FLAGS ?=
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: setup demo test lint benchmarks smoke-benchmarks benchmarks-compare dist gpu docs clean

setup: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install $(PIP_FLAGS) --quiet --constraint constraints.txt --editable '.[test]'
	touch $@

# One thread: clips this small gain next to nothing from a second one, and lose much by it where
# another process is busy.
demo test smoke-benchmarks: export OMP_NUM_THREADS := 1

# Bytecode is kept whatever the environment says: the processes that tests start would each compile
# the project anew.
test smoke-benchmarks: export PYTHONDONTWRITEBYTECODE :=

# RNAS-MER and its attention ablation on surrogate clips: search, decode, LOSO, scores, Table 4.
demo: setup
	$(BIN)/bench run --variant rnas_mer --variant rnas_mer_3 --dataset smic --surrogate --preset smoke
	$(BIN)/bench tables --table 4

# A process per core; a file's tests stay together, since they share what they made, and files keep
# their order, in which short ones come last. Types are checked beside the tests, and told after them.
test: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@$(BIN)/mypy > $(VENV)/types.txt 2>&1 & types=$$!; \
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder; tests=$$?; \
	wait $$types || tests=1; cat $(VENV)/types.txt; exit $$tests

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

benchmarks: setup
	$(BIN)/python -m pytest tests/benchmarks --benchmark-enable --benchmark-only \
		--benchmark-json=benchmarks.json
	$(BIN)/python -m reports.docs.performance benchmarks.json

smoke-benchmarks: setup
	$(BIN)/python -m pytest tests/benchmarks --benchmark-enable --benchmark-only -m "not slow" \
		--benchmark-json=benchmarks.json

# This run's smoke benchmarks beside those of an earlier file: make benchmarks-compare LAST=FILE.
# The change of a group's reference is the machine's.
benchmarks-compare: setup
	$(BIN)/pytest-benchmark compare $(LAST) benchmarks.json --group-by=fullname --sort=name \
		--columns=median,iqr

# Wheel and source archive in dist/, checked. HOME_URL=https://host/owner/name makes the links of the
# README absolute, as a package index needs them.
ABSOLUTE = -e 's~(!\[[^]]*\]\()(docs|results)/~\1$(HOME_URL)/raw/main/\2/~g' \
	-e 's~(\]\()(docs|results|LICENSE|C[A-Z]+\.)~\1$(HOME_URL)/blob/main/\2~g'
dist: setup
	$(BIN)/python -m pip install $(PIP_FLAGS) --quiet --constraint constraints.txt --editable '.[dist]'
	rm -rf dist build/source && mkdir -p build/source
	git archive HEAD | tar -x -C build/source
	[ -z "$(HOME_URL)" ] || sed -i -E $(ABSOLUTE) build/source/README.md
	$(BIN)/python -m build --outdir dist build/source
	$(BIN)/twine check --strict dist/*

# All that only a GPU can tell, in at most 8 minutes; then the GPU section of the page.
# Needs no set-up where the interpreter has torch and the other packages of the core already.
gpu: ANY_PYTHON = $(or $(wildcard $(BIN)/python),$(PYTHON))
gpu:
	-$(ANY_PYTHON) -m reports.gpu --out results/gpu
	$(ANY_PYTHON) -m reports.gpu --show results/gpu

# The computed pages, then the site in build/docs/index.html, which needs no network. Sphinx comes
# with the extra `docs`, at the first use.
docs: $(VENV)/.docs
	$(BIN)/python -m reports.docs
	$(BIN)/python -m sphinx -W --keep-going --quiet docs build/docs

$(VENV)/.docs: $(INSTALLED)
	$(BIN)/python -m pip install $(PIP_FLAGS) --quiet --constraint constraints.txt --editable '.[docs]'
	touch $@

clean:
	rm -rf $(VENV) build runs benchmarks.json
