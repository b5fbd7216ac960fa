# make demo        the tutorials and the digits example, in Python, Perl and C
# make test        the tests of all three languages; make test-full adds the slow ones
# make lint        ruff, mypy, C and C++ with -Wall -Wextra -Werror, abidiff, perl -c, perlcritic
# make bench       speed of chains, kernels and training, as docs/benchmarks.md; the peers are named by
#                  PEERS="torch=/path/python mxnet=/path/python jax=/path/python"
# make bench-dispatch  what a small op costs, beside NumPy, torch and mxnet of PEERS
# make bench-bindings  what calls from C and Perl cost
# make bench-ops   speed of every op, beside NumPy and PEERS
# make certificate the errors of every gradient, as docs/gradients.md; fails where one is above its bound
# make examples    the training examples, with progress bars; pictures go to build/examples
# make docs        what is generated: docs/operators.md, the examples in help(), the type stubs
# make setup       only what the others need: .venv, Debian packages (as root), the C library, the kernels
# make clean       remove everything that make made
#
# PYTHON=/path/python3 chooses the Python (it needs a shared libpython), PERL=... the Perl.

SHELL := /bin/bash
.DELETE_ON_ERROR:
.PHONY: setup demo test test-full lint bench bench-dispatch bench-bindings bench-ops certificate examples docs clean

VENV := .venv
PY   := $(VENV)/bin/python
LIB  := pyffi/libmxgrad.so.1
KERNELS := engine/mxgrad/kernels/_cpu.abi3.so
export PERL ?= perl

# Programs see the virtual environment first, as after `source .venv/bin/activate`.
ENV := PATH="$(CURDIR)/$(VENV)/bin:$$PATH"

setup: $(VENV)/.installed $(LIB) $(KERNELS)

$(VENV)/.installed: pyproject.toml setup.py tools/debian.sh tools/venv.sh
	@tools/debian.sh
	@test -x $(PY) || PYTHON="$(PYTHON)" tools/venv.sh $(VENV)
	@$(PY) -m pip install -qq --disable-pip-version-check -e '.[test,lint]'
	@touch $@

# mxgrad_ops.h is made from the operators, and beside the library
LIB_SOURCES := $(addprefix pyffi/,build_ffi.py bootstrap.py ops_header.py man_pages.py) \
	$(filter-out %/mxgrad_ops.h,$(wildcard pyffi/*.[ch] pyffi/include/* pyffi/templates/*)) \
	$(wildcard $(addprefix engine/mxgrad/,frontend.py ops/*.py nd/*.py np/*.py npx/*.py documentation/*))
$(LIB): $(LIB_SOURCES) | $(VENV)/.installed
	@echo "building $@"
	@$(PY) pyffi/build_ffi.py >/dev/null

$(KERNELS): pyffi/build_kernels.py pyffi/buffer.c $(wildcard pyffi/kernels/*.[ch]) | $(VENV)/.installed
	@echo "building $@"
	@$(PY) pyffi/build_kernels.py >/dev/null

demo: setup
	@$(ENV) tools/demo.sh

# Perl's tests run even where Python's fail, so that one run tells everything.
test: setup
	@$(ENV) pytest -m "not slow"; python=$$?; $(ENV) tools/test-perl.sh && exit $$python

test-full: setup
	@$(ENV) pytest; python=$$?; $(ENV) tools/test-perl.sh && exit $$python

lint: setup
	@$(ENV) tools/lint.sh

bench: setup
	@$(ENV) python benchmarks/bench.py $(PEERS)

bench-dispatch: setup
	@$(ENV) python benchmarks/dispatch.py $(PEERS)

bench-bindings: setup
	@$(ENV) python benchmarks/bindings.py

bench-ops: setup
	@$(ENV) python benchmarks/ops.py $(PEERS)

certificate: setup
	@$(ENV) python tools/certificate.py docs/gradients.md

examples: setup
	@for name in mlp_digits cnn_digits lstm_digits char_lm dcgan transfer; do \
		echo "== $$name"; $(ENV) python examples/$$name.py || exit 1; done

docs: setup
	@$(ENV) python tools/examples.py
	@$(ENV) python tools/stubs.py
	@$(ENV) python tools/reference.py

clean:
	rm -rf $(VENV) build dist *.egg-info pyffi/libmxgrad.so* pyffi/lib pyffi/share pyffi/include/mxgrad_ops.h engine/mxgrad/kernels/*.so .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
