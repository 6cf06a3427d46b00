# `make` prints what there is. Everything is written below .build, .cache and .mandate.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Architecture of the deployed functions: arm64 or amd64.
ARCH ?= arm64
# Where they are built.
BUILD ?= .build
AREAS := $(notdir $(patsubst %/lambda,%,$(wildcard functions/*/lambda)))
GO_SOURCES := $(shell find . -name '*.go' -not -path './.*') go.mod go.sum template.yaml $(wildcard shared/policy/*.cedar)
LAMBDA := CGO_ENABLED=0 GOOS=linux GOARCH=$(ARCH) go build -trimpath -tags lambda.norpc -ldflags "-s -w"

.PHONY: help
help: ## print the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

.PHONY: run
run: bin/mandate ## serve the API on this machine (DATA=.mandate|memory PORT=5000 ADMIN_PASSWORD=…)
	@exec bin/mandate serve

bin/mandate: $(GO_SOURCES)
	@echo "Building (the first time takes a minute)…"
	@CGO_ENABLED=0 go build -trimpath -o $@ ./cmd/mandate

.PHONY: build
build: $(AREAS:%=build-%) ## build one static executable per area into .build (ARCH=arm64|amd64)

.PHONY: $(AREAS:%=build-%)
$(AREAS:%=build-%): build-%:
	@$(LAMBDA) -o $(BUILD)/$*/bootstrap ./functions/$*/lambda
	@printf '%-14s %s\n' $* "$$(du -h $(BUILD)/$*/bootstrap | cut -f1)"

.PHONY: rest
rest: ## derive the REST flavour of the template: .build/rest.yaml
	@mkdir -p .build
	@go run ./cmd/flavour -rest -code . -o .build/rest.yaml

# What runs the tests, of tools/go.mod; and what they said, for whoever asks afterwards.
TESTSUM := .cache/gotestsum-$(shell cat tools/go.mod tools/go.sum | sha256sum | cut -c1-8)
TESTED := .build/test.json

.PHONY: test
test: $(TESTSUM) ## run the tests that need Go only, and name the slowest ten
	@mkdir -p .build
	@$(TESTSUM) --format pkgname --format-hide-empty-pkg --jsonfile $(TESTED) -- ./...
	@$(MAKE) -s slowest

.PHONY: slowest
slowest: $(TESTSUM) ## name the slowest ten of the last make test
	@echo "slowest:"
	@$(TESTSUM) tool slowest --num 10 --jsonfile $(TESTED)

$(TESTSUM):
	@go -C tools build -o $(CURDIR)/$@ gotest.tools/gotestsum

.PHONY: prove-delegation
prove-delegation: ## grow 100,000 random trees of delegations and look at every token (minutes)
	go test ./test/delegation -run TestProve -count=1 -v -timeout 2h -rapid.checks=50000

.PHONY: prove-once
prove-once: ## send one signed request 10,000 times at once, and race its exchange, on both engines (minutes)
	go test -tags dynamodb ./functions/oauth1 -run 'TestOneRequestManyTimes|TestExchangeRaced' -count=1 -v -timeout 1h -repeats 10000

# HISTORIES on the embedded table, DYNAMODB_HISTORIES on DynamoDB Local.
HISTORIES ?= 20000
DYNAMODB_HISTORIES ?= 500

.PHONY: prove
prove: prove-embedded prove-dynamodb prove-mutants ## check revocation: all of the three below, one after the other (30 min)

.PHONY: prove-embedded
prove-embedded: ## check it in 20,000 concurrent histories on the embedded table (HISTORIES=5000: a part of them)
	go test ./test/prove -run 'TestHistories$$' -count=1 -v -timeout 3h -histories $(HISTORIES)

.PHONY: prove-dynamodb
prove-dynamodb: ## check it in 500 on DynamoDB Local (DYNAMODB_HISTORIES=100; Java, Maven)
	go test -tags dynamodb ./test/prove -run TestHistoriesOnDynamoDB -count=1 -v -timeout 3h -histories $(DYNAMODB_HISTORIES)

.PHONY: prove-mutants
prove-mutants: ## see that every fault seeded into the sources is caught (MUTANTS=user-epoch,late-read: some)
	go run ./test/prove/mutants -only "$(MUTANTS)"

.PHONY: mutation
mutation: ## switch on small faults in what decides about authority, one at a time, and count those that the tests notice (an hour)
	go run ./test/mutation $(MUTATION)

.PHONY: acceptance
acceptance: bin/mandate ## run linters, both engines, and stock clients against the running service
	test/acceptance/run.sh

.PHONY: sam-image
sam-image: ## make the base image that SAM runs functions in, where there is no registry (needs Docker)
	@source test/acceptance/steps.sh; venv=$$(python_with test/acceptance/requirements-sam.txt); \
	  test/emulators/image.sh "$$($$venv/bin/python -c 'from samcli.local.docker.lambda_image import LambdaImage as I; print(I._INVOKE_REPO_PREFIX)')/provided:al2023-$$(uname -m | sed s/aarch64/arm64/)"

.PHONY: sam-local
sam-local: ## a delegation through `sam local start-api` on DynamoDB Local (needs Docker, Java, Maven)
	test/acceptance/sam-local.sh

.PHONY: localstack
localstack: ## deploy to LocalStack by compose, and a delegation through it (needs Docker with a registry; KEEP=1)
	localstack/compose.sh

.PHONY: localstack-host
localstack-host: ## the same without a registry (needs Python 3.13, Docker, docker-registry, a JDK, Maven)
	localstack/host.sh

.PHONY: coldstart
coldstart: ## measure size and start of the function that validates tokens (needs a JDK and Maven)
	go run ./test/coldstart

.PHONY: bench
bench: bin/mandate ## measure validating and issuing over the whole local path, and what a validation allocates
	test/bench.sh

.PHONY: bench-peer
bench-peer: bin/mandate ## measure beside a real Keystone and write docs/performance.md (25 min, as root); SHORT=1: 3 min, writes nothing
	@go build -o .cache/peer-bench ./test/peer
	@exec .cache/peer-bench -mandate bin/mandate $(if $(SHORT),-short,-out docs) $(PEER_FLAGS)

.PHONY: growth-curves
growth-curves: ## compare validating and issuing among 100 and among 10,000 and 1,000,000 users, trusts, tokens, revocations (20 min when idle, 6 GB)
	go test ./test/among -run '^$$' -bench . -benchtime 1x -timeout 30m -among 10000
	go test ./test/among -run '^$$' -bench . -benchtime 1x -timeout 90m -among 1000000

.PHONY: events-lag
events-lag: ## revoke 100 tokens a second for 30 s and say how late the events are told
	go test ./test/events -count=1 -v -length 30s

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME each (10m), one after the other; FUZZ=FuzzOpen runs one
	@grep -rEo --include='*_test.go' '^func $(or $(FUZZ),Fuzz[A-Za-z]*)\(' functions shared test | while IFS=: read -r file func; do \
	  target=$${func#func }; target=$${target%(}; echo "$$(dirname $$file) $$target"; \
	  go test ./$$(dirname $$file) -run '^$$' -fuzz "^$$target\$$" -fuzztime $(or $(FUZZTIME),10m) || exit 1; \
	done

.PHONY: growth
growth: bin/mandate ## import 100,000 users and 1,000,000 assignments, killed and resumed; compare with a table of 100 users (10 min, 6 GB)
	@go build -o .cache/growth ./test/growth
	@trap 'rm -rf .cache/growth-data' EXIT; rm -rf .cache/growth-data; .cache/growth -mandate bin/mandate -dir .cache/growth-data

.PHONY: sweep
sweep: bin/mandate ## delete a consumer with 1,000,000 access tokens, killed in the middle (30 min, 8 GB); SWEEP="-tokens 50000": fewer; SWEEP="-domain 20000": a domain instead
	@go build -o .cache/sweep ./test/sweep
	@trap 'rm -rf .cache/sweep-data' EXIT; rm -rf .cache/sweep-data; .cache/sweep -mandate bin/mandate -dir .cache/sweep-data $(SWEEP)

.PHONY: lint
lint: ## run the linters
	test/acceptance/lint.sh

.PHONY: generate
generate: ## write what is made from template.yaml
	go generate ./...

.PHONY: dynamodb-local
dynamodb-local: ## run DynamoDB Local on 127.0.0.1:8000 (needs Java and Maven)
	@go build -o .cache/dynamodb-local ./test/dynamodblocal/cmd
	@exec .cache/dynamodb-local # and not go run, which would leave it behind when it is stopped

.PHONY: clean
clean: ## remove what was built; data in .mandate stays
	rm -rf .build bin
