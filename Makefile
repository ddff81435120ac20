# On a new machine these need python3 (3.11 or later), make and a C compiler, nothing else. Everything goes into .venv.
#
#   make demo    from nothing to ten documents reranked by a real model
#   make check   lint, and every test that needs no model and no minute: for daily work
#   make test    everything, with real models (pulled once) and llama-cpp-python (built once)
#   make frameworks  adapters beside the frameworks themselves, in an environment of their own; part of make test
#   make clients  the server beside the official clients of rerank services, in another; part of make test
#   make browser Chromium, in which the tests open report.html (apt-get, as root or with sudo)
#   make lint    formatting, lint and types
#   make tables  the tables of docs/reference.md, made from the registry's rows
#   make lowest  a smoke test with the lowest versions that pyproject.toml allows
#   make compare  systems on TREC DL 2019, from examples/compare.toml; reports in build/compare
#   make bench   rankkit beside its peers, which get an environment of their own
#   make bench-serving  rankkit serve under load, and infinity's server beside it; wants a machine that does nothing else
#   make parity  exports beside transformers, in an environment of their own; writes tests/golden
#   make amx     a build of llama.cpp with AMX kernels, which end a process, and rankkit unharmed by it

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

# Tested with this version; users may have any that the `gguf` extra allows.
LLAMA_CPP := llama-cpp-python==0.3.36

.PHONY: demo check test frameworks clients browser lint tables lowest compare bench bench-serving parity amx clean models

demo: .venv/.core
	$(BIN)/rankkit demo --pull

# Two processes: what takes longest is Python itself.
check: .venv/.dev lint
	$(BIN)/python -m pytest -m "not model and not slow" --hypothesis-profile quick -n 2 --dist worksteal

test: .venv/.dev .venv/.gguf models browser frameworks clients
	$(BIN)/python -m pytest

# Other packages' warnings are not ours to end: -W default.
frameworks: .venv-frameworks/.done models
	RANKKIT_LANE=frameworks .venv-frameworks/bin/python -m pytest -W default tests/integrations tests/server/mcp tests/server/clients

clients: .venv-clients/.done models
	RANKKIT_LANE=clients .venv-clients/bin/python -m pytest -W default tests/integrations tests/server/clients

.venv-%/.done: tests/lanes/%.txt pyproject.toml .venv/.dev
	$(PYTHON) -m venv .venv-$*
	$(BIN)/uv pip install --quiet --python .venv-$*/bin/python --requirement tests/lanes/$*.txt --editable ".[openai,search,server]"
	touch $@

browser:
	sh scripts/install-browser.sh

lint: .venv/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

tables: .venv/.dev
	$(BIN)/python -m scripts.tables --write

lowest: .venv-lowest/.done
	.venv-lowest/bin/python -m scripts.lowest

LOWEST := $(BIN)/uv pip compile --quiet --no-header --resolution lowest-direct --extra openai --extra eval --extra ir-datasets --extra search pyproject.toml
.venv-lowest/.done: pyproject.toml .venv/.dev
	# On each Python that is declared, the lowest versions that are allowed are there as wheels.
	for python in 3.11 3.12 3.13; do \
		$(LOWEST) --python-version $$python > .venv/lowest-$$python.txt && \
		$(LOWEST) --python-version $$python --only-binary :all: | cmp - .venv/lowest-$$python.txt || exit 1; \
	done
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet --requirement \
		.venv/lowest-$$(.venv-lowest/bin/python -c "import sys; print('%d.%d' % sys.version_info[:2])").txt
	.venv-lowest/bin/python -m pip install --quiet --no-deps --editable .
	touch $@

# Needs the data where examples/compare.toml says. What is ranked stays in the run store: a second time it takes seconds.
compare: .venv/.dev
	$(BIN)/rankkit models pull ms-marco-MiniLM-L-12-v2
	$(BIN)/rankkit compare examples/compare.toml --out build/compare

bench: .venv/.dev .venv/.gguf .venv-peers/.done models
	$(BIN)/python -m benchmarks

bench-serving: .venv/.dev .venv-infinity/.done models
	$(BIN)/python -m benchmarks serving

# Models with terms to accept are pulled only if you say so: make test ACCEPT_GEMMA_TERMS=1
models: .venv/.core
	$(BIN)/rankkit models pull ms-marco-MiniLM-L-12-v2
	$(BIN)/rankkit models pull bge-small-en-v1.5
	$(BIN)/rankkit models pull answerai-colbert-small-v1
	$(BIN)/rankkit models pull smollm2-135m-instruct
ifdef ACCEPT_GEMMA_TERMS
	$(BIN)/rankkit models pull gemma-3-270m --accept-licence
endif

.venv/.core: pyproject.toml
	$(PYTHON) -m venv .venv
	$(PIP) install --upgrade "pip>=25.1"
	# A distribution `rankkit` (ours is rankkit-rerank) would lie in the way: two of them own the same import and command.
	$(PIP) uninstall --yes rankkit 2>/dev/null
	$(PIP) install --editable .
	touch $@

.venv/.dev: .venv/.core
	$(PIP) install --editable ".[openai,eval,ir-datasets,search,pandas]" --group dev
	touch $@

# Built once a machine and flags, then kept. `rankkit doctor` says which flags are safe here: a default build crashes on CPUs with AMX.
.venv/.gguf: .venv/.core
	BIN=$(BIN) sh scripts/install-llama-cpp.sh "$(LLAMA_CPP)"
	touch $@

# The peers to measure beside. TORCH may name a CPU build where plain pip would bring CUDA.
TORCH ?= torch==2.13.0
.venv-peers/.done: benchmarks/peers.txt
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet "$(TORCH)"
	.venv-peers/bin/python -m pip install --quiet --requirement benchmarks/peers.txt
	# Without its dependencies: one of them fetches files while it is built, and its orderings need none of them.
	.venv-peers/bin/python -m pip install --quiet --no-deps blitzrank==0.1.0
	touch $@

.venv-infinity/.done: benchmarks/infinity.txt
	$(PYTHON) -m venv .venv-infinity
	.venv-infinity/bin/python -m pip install --quiet "$(TORCH)"
	.venv-infinity/bin/python -m pip install --quiet --requirement benchmarks/infinity.txt
	touch $@

parity: .venv-parity/.done
	.venv-parity/bin/python -m scripts.parity

.venv-parity/.done: pyproject.toml scripts/parity/requirements.txt
	$(PYTHON) -m venv .venv-parity
	.venv-parity/bin/python -m pip install --quiet "$(TORCH)"
	.venv-parity/bin/python -m pip install --quiet --requirement scripts/parity/requirements.txt --editable .
	touch $@

# A dangerous build of llama.cpp on purpose, to see that rankkit keeps clear of its AMX kernels. Needs AVX-512.
AMX := -DGGML_AMX_TILE=ON -DGGML_AMX_INT8=ON -DGGML_AMX_BF16=ON
amx: .venv-amx/.done models
	.venv-amx/bin/python -m scripts.amx

.venv-amx/.done: pyproject.toml scripts/install-llama-cpp.sh
	$(PYTHON) -m venv .venv-amx
	.venv-amx/bin/python -m pip install --quiet --editable .
	BIN=.venv-amx/bin sh scripts/install-llama-cpp.sh "$(LLAMA_CPP)" "$(AMX)"
	touch $@

clean:
	rm -rf .venv .venv-frameworks .venv-clients .venv-peers .venv-infinity .venv-parity .venv-amx .venv-lowest build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
