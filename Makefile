# Every target installs what it needs; see CONTRIBUTING.md for the times.
.DEFAULT_GOAL := help
.PHONY: help setup setup-node demo demo-down dev images player docs check test exactness test-unit test-integration test-e2e bench-render bench-quality bench-long soak-render bench-scaling bench-operator

PYTHON := .venv/bin/python
# Most of these tests wait for servers; each process starts its own.
SIDE_BY_SIDE := --numprocesses 2 --dist loadfile
# End-to-end tests share one node, and wait most of the time. Each process takes the next one.
ON_ONE_NODE := --numprocesses 2 --dist load --maxschedchunk 1
SCRIPTS := plugins/kubectl-vew .ci/run .github/scripts/*.sh dev/*.sh requirements/*.sh worker/player/*.sh
export PATH := $(CURDIR)/.venv/bin:$(PATH)

help:
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)/\1\t\2/' | expand -t 20

setup: ## install what rendering and development need
	@dev/install.sh

setup-node: ## install also what runs pods
	@dev/install.sh node

demo: ## everything: recordings become videos through worker pods (KUBE_CONTEXT=name: in that cluster)
	@KUBE_CONTEXT=$(KUBE_CONTEXT) dev/demo.sh

demo-down: ## leave nothing of the demo running
	@KUBE_CONTEXT=$(KUBE_CONTEXT) dev/demo.sh --down

dev: setup ## Temporal with its UI, storage and one worker, until interrupted
	@$(PYTHON) -m dev run temporal storage temporal-worker-video-export

images: setup-node ## build both images
	@$(PYTHON) -m dev images

player: ## bundle the replay page
	@sh worker/player/build.sh

docs: setup ## the documentation as a site, in build/site
	@NO_MKDOCS_2_WARNING=1 mkdocs build --strict --quiet

check: docs ## everything that is not a test
	ruff check .
	ruff format --check .
	mypy
	lint-imports
	shellcheck $(SCRIPTS)
	hadolint Dockerfile.operator Dockerfile.worker
	zizmor --quiet --offline .github
	@$(PYTHON) -m dev actionlint

test: setup-node ## every test
	@$(PYTHON) -m dev build
	pytest $(SIDE_BY_SIDE) tests/unit tests/integration
	pytest $(ON_ONE_NODE) tests/e2e

test-unit: setup ## pure code, seconds
	pytest tests/unit

test-integration: setup ## real servers, browser and control plane
	@$(PYTHON) -m dev kubernetes
	@$(PYTHON) -m dev temporal
	@$(PYTHON) -m dev promtool
	pytest $(SIDE_BY_SIDE) tests/integration

test-e2e: setup-node ## the whole system on a local node
	pytest $(ON_ONE_NODE) tests/e2e

bench-render: setup ## how fast recordings become videos (RECORDINGS=files), against capturing every frame
	@$(PYTHON) -m benchmarks.rendering $(RECORDINGS)
	@$(PYTHON) -m benchmarks.rendering.linked
	@$(PYTHON) -m benchmarks.rendering.windows

bench-quality: setup ## pictures and bytes of the videos, against the usual settings at every frame (RECORDINGS=files)
	@$(PYTHON) -m benchmarks.rendering.quality $(RECORDINGS)

bench-long: setup ## what long recordings cost (ROWS=names, PUBLIC=file); build/bench/long.json
	@$(PYTHON) -m benchmarks.rendering.long $(ROWS)

soak-render: setup ## five hundred exports in one process: nothing lost, nothing left
	@$(PYTHON) -m benchmarks.rendering.soak

bench-scaling: setup ## how many pods and how long a wait: the operator's rules against KEDA's and fixed sizes (TRACES=names)
	@$(PYTHON) -m benchmarks.scaling $(TRACES)

bench-operator: setup ## what many resources cost one operator (RESOURCES=numbers, STEADY=seconds)
	@$(PYTHON) -m dev kubernetes
	@$(PYTHON) -m benchmarks.operator $(RESOURCES) $(if $(STEADY),--steady $(STEADY))

exactness: setup ## every frame of every test recording against the reference, pixel by pixel; takes long
	@$(PYTHON) -m tests.reference $(RECORDINGS)
