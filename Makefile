# Two commands to start with: `make generate`, then `make test`. `make help` lists the rest.
# Needs make and Python 3.11 or newer; everything else goes into .venv, pinned by requirements.lock.

PYTHON    ?= python3 python3.14 python3.13 python3.12 python3.11 python
TESTFLAGS ?= -n auto --dist worksteal
PDFLATEX  ?= pdflatex
FUZZ      ?= 5000
NOTEBOOK  ?= examples/tutorial.ipynb

VENV  := .venv
PY    := $(VENV)/bin/python
LOCK  := requirements.lock
PIP   := $(PY) -m pip install -qq --disable-pip-version-check --constraint $(LOCK)
CELLS  = $(filter-out _%,$(patsubst derive/cells/%.py,%,$(wildcard derive/cells/*.py)))

# SymPy remembers what it has simplified: a thousand results of each kind, if it is not told, which
# is few where one process derives all cells.
export SYMPY_CACHE_SIZE ?= 100000

# One thread a process while tests run side by side, so that they do not fight over the cores.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.SUFFIXES:

.PHONY: help
help: ## List the targets
	@echo "usage: make TARGET [PYTHON=/path/to/python3]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ---- what it makes ------------------------------------------------------------------------------

.PHONY: generate
# NumPy's modules are derived beside the others, which take as long together.
generate: $(VENV)/.core ## Derive every cell and write generated/ and docs/cells/
	@{ $(PY) -m derive generate --quiet -o generated/javascript --backend javascript && \
	   $(PY) -m derive generate --quiet -o docs/cells --backend markdown; } & \
	status=0; $(PY) -m derive generate -o generated || status=$$?; wait $$! || status=$$?; \
	test $$status != 0 || echo "wrote generated/javascript and docs/cells"; \
	exit $$status

.PHONY: latex
latex: $(VENV)/.core ## Typeset every cell's equations and gradients in build/latex/
	@mkdir -p build/latex
	@for cell in $(CELLS); do \
	    tex=build/latex/$$cell.tex; \
	    $(PY) -m derive latex $$cell --standalone > $$tex || { rm -f $$tex; exit 1; }; \
	    echo "wrote $$tex"; \
	done
	@command -v $(PDFLATEX) > /dev/null || { \
	    echo "No PDF: $(PDFLATEX) is not installed (Debian: texlive-latex-extra, lmodern)."; exit 0; }; \
	for cell in $(CELLS); do \
	    log=build/latex/$$cell.log; \
	    max_print_line=1000 $(PDFLATEX) -interaction=nonstopmode -halt-on-error \
	        -output-directory build/latex build/latex/$$cell.tex > /dev/null < /dev/null \
	        || { echo "build/latex/$$cell.tex does not compile:"; grep -A 4 '^!' $$log; exit 1; }; \
	    ! grep '^Overfull' $$log || { echo "build/latex/$$cell.tex has overfull lines"; exit 1; }; \
	    echo "wrote build/latex/$$cell.pdf"; \
	done

.PHONY: docs
docs: $(VENV)/.plot ## Build the atlas, a site of all cells, in build/site/ (five minutes)
	@rm -rf build/site
	@$(PY) -m derive docs -o build/site

.PHONY: example
example: $(VENV)/.example ## Train the generated LSTM on a real seasonal series (a minute)
	@$(PY) examples/seasonal.py

.PHONY: example-c
example-c: $(VENV)/.core ## Generate a cell in C, train it and stream with it, without Python
	@$(PY) -m derive generate gru --backend c -o build/example-c
	@$(CC) -std=c99 -O2 -Ibuild/example-c examples/movements.c build/example-c/gru.c -lm \
	    -o build/example-c/movements
	@build/example-c/movements

# From a cell of one's own to PyTorch, ONNX and C: the commands are those of docs/typist.md.
TYPIST := build/typist

.PHONY: example-typist
example-typist: $(VENV)/.bench ## Teach a cell to write, in PyTorch; export it to ONNX and C (two minutes)
	@$(PY) -m derive build examples/typist/typist.py --torch -o $(TYPIST)
	@$(PY) examples/typist/train.py $(TYPIST)
	@$(PY) -m derive generate examples/typist/typist.py --backend onnx --weights $(TYPIST)/cell.npz -o $(TYPIST)
	@$(CC) -std=c99 -O2 -I$(TYPIST) examples/typist/keyboard.c $(TYPIST)/typist.c -lm -o $(TYPIST)/keyboard
	@$(PY) examples/typist/compare.py $(TYPIST)
	@$(TYPIST)/keyboard "the with statement "

.PHONY: notebook
notebook: $(VENV)/.notebook ## Run the tutorial notebook, and write its outputs into it
	@$(PY) examples/notebook.py $(NOTEBOOK)

.PHONY: pictures
pictures: $(VENV)/.core ## Draw the pictures of cells in README.md and docs/diagrams.md
	@sed -n 's|^derive diagram|$(PY) -m derive diagram|p' docs/diagrams.md | sh -e

# ELK, with which our layout of pictures is compared.
ELKJS := 0.12.1

.PHONY: bench-diagrams
bench-diagrams: $(VENV)/.core ## Draw every cell with ELK as well, and count crossings and bends
	@npm install --silent --no-save --prefix build/elk elkjs@$(ELKJS) > /dev/null
	@$(PY) -m benchmarks.diagrams build/elk

.PHONY: bench
bench: $(VENV)/.bench ## Time all code beside other libraries (installs them; 20 minutes; QUICK=1 takes one)
ifdef QUICK
	@$(PY) -m benchmarks --quick -o build/bench
else
	@$(PY) -m benchmarks.derive
	@$(PY) -m benchmarks.memories
	@$(PY) -m benchmarks
endif

# ---- what it proves -----------------------------------------------------------------------------

# The C compiler that CC in the environment names, or the first that is found; empty where there is none.
COMPILER := $(firstword $(shell for c in $${CC:-cc gcc clang}; do command -v $$c; done))

.PHONY: test
test: $(VENV)/.test ## Run the tests, but for those that need other libraries, Node, or a browser
	@status=0; $(ONE_THREAD) $(PY) -m pytest $(TESTFLAGS) -m "not peers and not node and not browser and not wheel and not every$(if $(COMPILER),, and not compiler)" || status=$$?; \
	echo; \
	$(if $(COMPILER),,echo "Not run: the tests of compiled C (marked 'compiler'): no C compiler is there (Debian: gcc, libc6-dev)";) \
	echo "Not run: the tests against PyTorch and onnxruntime (marked 'peers'). To run them: make test-peers"; \
	echo "Not run: the tests that run generated JavaScript (marked 'node'). To run them: make test-node"; \
	echo "Not run: the tests that open the atlas in a browser (marked 'browser'). To run them: make test-browser"; \
	echo "Not run: the tests of the wheel, which install it (marked 'wheel'). To run them: make test-wheel"; \
	echo "Not run: what is tested on some cells, on all of them (marked 'every'). To run them: make test-every, make test-long"; \
	exit $$status

.PHONY: test-peers
test-peers: $(VENV)/.test $(VENV)/.bench ## Run the tests against PyTorch, onnxruntime and JAX (installs them)
	@$(ONE_THREAD) $(PY) -m pytest $(TESTFLAGS) -m "peers and not every"

.PHONY: test-every
test-every: $(VENV)/.test ## Run on all cells what make test runs on some
	@$(ONE_THREAD) $(PY) -m pytest $(TESTFLAGS) -m "every and not compiler and not peers"

# PICK chooses among them by name, as pytest's -k does.
.PHONY: test-long
test-long: $(VENV)/.test $(VENV)/.bench ## The same for what is compiled, and for PyTorch's modules (an hour)
	@$(ONE_THREAD) $(PY) -m pytest $(TESTFLAGS) -m "every and (compiler or peers)" -k "$(PICK)"

# Of gcc, whose libraries a Python that was not built with them must load first. PICK as above.
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined

.PHONY: test-sanitized
test-sanitized: $(VENV)/.test ## Run the tests of compiled C with addresses and undefined behaviour watched
	@$(ONE_THREAD) CC="gcc -g $(SANITIZE)" ASAN_OPTIONS=detect_leaks=0 \
	    LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)" \
	    $(PY) -m pytest $(TESTFLAGS) -m "compiler and not every and not peers" -k "$(PICK)"

.PHONY: test-node
test-node: $(VENV)/.test ## Run the tests of generated JavaScript (needs Node >= 18)
	@command -v node > /dev/null || { echo "node is not installed (Debian: nodejs)" >&2; exit 1; }
	@$(ONE_THREAD) $(PY) -m pytest $(TESTFLAGS) -m node

# SITE is an atlas that is built already.
.PHONY: test-browser
test-browser: $(VENV)/.test $(VENV)/.browser $(if $(SITE),,docs) ## Build the atlas and open it (needs Chromium; installs Playwright)
	@$(ONE_THREAD) SITE=$(or $(SITE),build/site) $(PY) -m pytest $(TESTFLAGS) -m browser

.PHONY: test-wheel
test-wheel: $(VENV)/.test ## Build the wheel, install it in an empty environment, and use it there
	@$(PY) -m pytest -m wheel

.PHONY: fuzz
fuzz: $(VENV)/.test ## Try 5000 random cells, and 500 compiled, other ones each time (FUZZ=n: so many)
	@$(ONE_THREAD) CELLS=$(FUZZ) PYTHONPATH=tests $(PY) -m pytest $(TESTFLAGS) -p fuzzing \
	    $(if $(COMPILER),,-m "not compiler") -k random_cell tests/test_cells_random.py tests/test_cells_compiled.py
	$(if $(COMPILER),,@echo "Not run: random cells, compiled: no C compiler is there (Debian: gcc, libc6-dev)")

.PHONY: mutants
mutants: $(VENV)/.test ## Prove the tests: change what they test, place by place (an hour; MUTANTS="c --every 9" for some)
	@$(ONE_THREAD) PYTHONPATH=tests $(PY) -m mutation $(MUTANTS)

.PHONY: check
check: $(VENV)/.check ## Check format, lint and types
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m mypy

.PHONY: format
format: $(VENV)/.check ## Format the code and sort its imports
	@$(PY) -m ruff check --select I --fix --quiet .
	@$(PY) -m ruff format .

# ---- the environment ----------------------------------------------------------------------------

# $(VENV)/.NAME says that the extra NAME is installed as pinned; `core` is the package itself.
# It is built without isolation, so that what builds it is pinned too.
$(VENV)/.core: pyproject.toml $(LOCK) $(VENV)/pyvenv.cfg
	@echo "Installing what is pinned into $(VENV) …"
	@$(PIP) hatchling
	@$(PIP) --no-build-isolation --editable .
	@touch $@

$(VENV)/.%: $(VENV)/.core
	@echo "Installing what '$*' needs …"
	@$(PIP) --no-build-isolation --editable ".[$*]"
	@touch $@

# Made anew where its Python is gone, as after an upgrade of the system's.
$(VENV)/pyvenv.cfg: $(if $(shell test -x $(PY) && echo there),,gone)
	@for python in $(PYTHON); do \
	    "$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' \
	        2> /dev/null || continue; \
	    echo "Making $(VENV) with $$("$$python" -V) ($$python) …"; \
	    "$$python" -m venv --clear $(VENV) && exit 0; rm -rf $(VENV); exit 1; \
	done; \
	echo "No Python >= 3.11 with venv among: $(PYTHON). Name one: make PYTHON=/path/to/python3" >&2; \
	exit 1

.PHONY: gone
gone:

.PHONY: lock
lock: ## Choose the pinned versions anew: the newest that pyproject.toml allows
	@rm -rf build/lock && $(MAKE) --no-print-directory VENV=build/lock build/lock/pyvenv.cfg
	@build/lock/bin/python -m pip install -qq hatchling
	@build/lock/bin/python -m pip install -qq --no-build-isolation ".[test,check,browser,example,notebook,plot,bench,torch,jax,flax,onnx,weights]"
	@{ sed -n '/^#/p' $(LOCK); \
	   build/lock/bin/python -m pip freeze --all --exclude pip --exclude cellwright \
	       | sed 's/+cpu$$//'; } > build/requirements.lock
	@mv build/requirements.lock $(LOCK) && rm -rf build/lock

.PHONY: wheel
wheel: $(VENV)/.core ## Build the wheel, dist/cellwright-VERSION-py3-none-any.whl
	@$(PIP) hatchling
	@$(PY) -m pip wheel -q --disable-pip-version-check --no-deps --no-build-isolation -w dist .
	@ls dist/*.whl

.PHONY: clean
clean: ## Delete what was built, and caches (not generated/, not .venv)
	@rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

.PHONY: distclean
distclean: clean ## Delete .venv as well
	@rm -rf $(VENV)
