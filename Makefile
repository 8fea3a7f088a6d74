# The targets a person types. What they do stands in scripts/, so that it can be read and run without make.
# `make run` and `make test` are all that a new user needs; both do their own set-up.

SHELL := /bin/bash
.DEFAULT_GOAL := help
export FUZZTIME ?= 8s
export STAGES ?=

.PHONY: help
help: ## what can be made
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: run
run: build ## build it, start it, hold this terminal (ARGS='--listen …' are passed on)
	@echo 'In the other terminal:  export PATH="$(CURDIR)/bin:$$PATH"'
	@exec bin/nsecbunker start $(ARGS)

.PHONY: build
build: ## bin/nsecbunker, pure Go
	@scripts/build

.PHONY: test
test: ## everything that CI checks, with its set-up (STAGES="lint race" for some, FUZZTIME=5s for less)
	@scripts/test $(STAGES)

.PHONY: unit
unit: ## the Go tests alone, without the race detector
	@go test ./...

.PHONY: race
race: ## the Go tests with the race detector
	@scripts/race

.PHONY: lint
lint: ## gofmt, vet, staticcheck
	@scripts/lint

.PHONY: fuzz
fuzz: ## every fuzz test for FUZZTIME each
	@scripts/fuzz "$(FUZZTIME)"

.PHONY: model
model: ## the request ledger's model, every check
	@scripts/model-check --all

.PHONY: image
image: ## the container image, built without a container engine, and its entry point run
	@scripts/image

.PHONY: release
release: ## dist/nsecbunker: static, with libsecp256k1, reproducible
	@scripts/release

.PHONY: ui
ui: ## the admin app: types, tests, build
	@scripts/ui

.PHONY: e2e
e2e: ## the admin app in a real browser against this bunker
	@e2e/run

.PHONY: screenshots
screenshots: ## a picture of every screen into dist/screenshots; the README's into docs/screenshots
	@e2e/with screenshots.mjs

.PHONY: bench-ui
bench-ui: ## how fast the admin app is: medians
	@e2e/with bench.mjs

.PHONY: conformance
conformance: ## real client libraries against this bunker
	@scripts/outside conformance

.PHONY: chaos
chaos: ## kills and rude relays in the full counts of the promises (minutes; make test runs a tenth)
	@NSECBUNKER_CHAOS=full go test -count=1 -timeout 60m -v -run 'SIGKILL|TheRecordOf|WhateverIsKilled|RandomEvents|AnyStatement|Flood|StoodStill' ./internal/bunkertest

.PHONY: simnet
simnet: ## real Lightning payments: two lnd nodes on a btcd simnet (the first build takes minutes)
	@test/simnet/run

.PHONY: bench
bench: ## measurements
	@scripts/outside bench

.PHONY: bench-check
bench-check: ## a short measurement; fails on a ratio 15 % worse than bench/baseline.json
	@bench/run check

.PHONY: clean
clean: ## remove what was built
	@rm -rf bin dist .tools
