# Development in one-line verbs. All of it happens in .venv, made on first use and made again when the lock changes.
PYTHON ?= python3
UV := uv==0.13.8
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
READY := .venv/.made

.PHONY: demo test unit cluster beside check bench soak up down status logs clean

demo: $(READY) ; $(BIN)/depthflow demo
# What needs the running stack waits more than it works: the rest runs beside it, and speaks when it has ended.
test: $(READY) ; $(MAKE) --no-print-directory --jobs=2 cluster beside
soak: $(READY) ; DEPTHFLOW_SOAK=1 $(BIN)/pytest tests/ingestion/forwarder/test_soak.py tests/ingestion/forwarder/test_outage.py tests/sql/test_analytics_stack.py
unit: $(READY) ; $(BIN)/pytest -m "not stack"
cluster: $(READY) ; $(BIN)/pytest -m stack
beside: $(READY) ; @$(BIN)/pytest -m "not stack" >.venv/unit.log 2>&1; ended=$$?; echo; cat .venv/unit.log; exit $$ended
check: $(READY) ; $(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy
bench: $(READY) ; $(BIN)/depthflow bench domain && $(BIN)/depthflow bench books
up: $(READY) ; $(BIN)/depthflow up
down: $(READY) ; $(BIN)/depthflow down
status: $(READY) ; $(BIN)/depthflow status
logs: $(READY) ; $(BIN)/depthflow logs $(or $(NAME),jobmanager)
clean: ; if [ -x $(BIN)/depthflow ]; then $(BIN)/depthflow down --wipe; fi && rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis

# uv is quick; pip, which knows the machine's own certificates and indexes, steps in where uv cannot reach one.
$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if (3, 10) <= sys.version_info < (3, 13) else "Python 3.10 to 3.12 is needed, this is " + sys.version.split()[0] + ": make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) $(UV)
	$(BIN)/python -m uv pip install --quiet --python $(BIN)/python --requirement requirements.lock || $(PIP) --requirement requirements.lock
	$(PIP) --no-deps --editable .
	touch $(READY)
