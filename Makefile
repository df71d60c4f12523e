# The two commands of the README are `make demo` and `make test`; each does all its own set-up.
# `make help` lists the rest.

SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

CACHE := $(or $(SEALED_SECRETS_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/sealed-secrets)
export PATH := $(PATH):$(CACHE)/tools/bin

# Only `make demo KUBECONFIG=…` means another cluster: an exported variable must not turn the demo loose on it.
DEMO_KUBECONFIG := $(if $(filter command line,$(origin KUBECONFIG)),$(KUBECONFIG))

step = @printf '\n== %s\n' '$(1)'

.PHONY: help demo test build dist setup format lint unit templates documents interop backends end-to-end chart manifests manifests-check chart-record monitoring image image-test deny audit fuzz bench

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

demo: ## Show the main job on a cluster of its own (KEEP=1 leaves it up, KUBECONFIG=file uses another)
	@KEEP='$(KEEP)' DEMO_KUBECONFIG='$(DEMO_KUBECONFIG)' demo/run.sh

test: setup format lint unit templates documents interop backends manifests-check monitoring end-to-end chart image-test deny ## Run everything that CI checks
	$(call step,everything passed)

build: ## Build both programs with optimisations
	cargo build --release -p kubeseal -p sealed-secrets-controller

setup:
	$(call step,set-up)
	@scripts/setup.sh cargo-deny python

format:
	$(call step,format)
	cargo fmt --all --check
	test -z "$$(gofmt -l tests/age tests/chart tests/cluster tests/documents tests/health tests/image tests/made tests/monitoring tests/templates | tee /dev/stderr)"

lint:
	$(call step,lint)
	cargo clippy --workspace --all-targets --features sealed-secrets-tests/end-to-end -- -D warnings

unit: ## Run unit tests, vectors and command-line transcripts
	$(call step,unit tests and vectors and transcripts)
	cargo test --workspace

templates: ## Hold the template engine to Go: recorded answers and random templates (COUNT=20000, SEED=1)
	$(call step,templates against Go)
	tests/compare.sh templates $(or $(COUNT),20000) $(or $(SEED),1)

documents: ## Hold the reading and writing of YAML to Go by random documents (COUNT=20000, SEED=1)
	$(call step,documents against Go)
	tests/compare.sh documents $(or $(COUNT),20000) $(or $(SEED),1)

interop: ## Exchange sealed values with two other implementations from PyPI, both ways
	$(call step,other implementations)
	# The same choice of packages and features as the unit tests, so that nothing is compiled a second time.
	cargo build --workspace --bins --tests
	tests/interop/run.sh "$${CARGO_TARGET_DIR:-target}/debug/kubeseal"

backends: ## Run the vectors on the pure-Rust backend, and each backend against the other
	$(call step,both cryptographic backends)
	cargo test -p sealed-secrets-crypto --features rustcrypto
	cargo test -p sealed-secrets-crypto --no-default-features --features rustcrypto
	cargo test -p sealed-secrets-tests --no-default-features --features rustcrypto --test vectors --test manifests

end-to-end: ## Run the end-to-end tests on a real API server (FILTER=words runs some)
	$(call step,end-to-end on a real API server)
	# The same choice of features as the unit tests, so that nothing below us is compiled a second time.
	cargo build --workspace --bins --tests --features sealed-secrets-tests/end-to-end
	cd tests/cluster && CGO_ENABLED=0 go test -trimpath -vet=off ./...
	cd tests/health && CGO_ENABLED=0 go test -trimpath ./...
	cd tests/age && KUBESEAL_BIN=$$(cargo metadata --no-deps --format-version 1 | \
	  sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/debug/kubeseal go test -count=1 ./...
	cluster=$$(tests/cluster/build.sh | tail -n 1) && \
	  "$$cluster" run -- cargo test --workspace --features sealed-secrets-tests/end-to-end --test end_to_end -- --test-threads=6 $(FILTER)

chart: ## Lint, render, install, upgrade and remove the Helm chart on a real API server
	$(call step,Helm chart and static manifests)
	# Not from the cache: it does not see that the chart, which is outside the module, has changed.
	cd tests/chart && CGO_ENABLED=0 go test -trimpath -count=1 ./published ./matrix
	cargo build --workspace --bins --tests --features sealed-secrets-tests/end-to-end
	mkdir -p target/chart
	cd tests/chart && CGO_ENABLED=0 go build -trimpath -o ../../target/chart/helm helm.sh/helm/v3/cmd/helm
	target/chart/helm lint --strict manifests/helm/sealed-secrets
	cd tests/chart && CGO_ENABLED=0 go test -trimpath -c -o ../../target/chart/installed ./installed
	cluster=$$(tests/cluster/build.sh | tail -n 1) && \
	  programs=$$(realpath "$${CARGO_TARGET_DIR:-target}")/debug && cd tests/chart/installed && \
	  "$$cluster" run -- env HELM=$(CURDIR)/target/chart/helm PROGRAMS="$$programs" $(CURDIR)/target/chart/installed -test.v=$(if $(VERBOSE),true,false) $(if $(FILTER),-test.run '$(FILTER)')

chart-record: ## Record anew what the chart renders for the table of values
	cd tests/chart && CGO_ENABLED=0 go test -trimpath -count=1 ./matrix -record

manifests: ## Make what is made from the chart and its values: static manifests, schema, README
	cd tests/monitoring && CGO_ENABLED=0 go run -trimpath ./cmd/monitoring
	cd tests/chart && CGO_ENABLED=0 go run -trimpath ./cmd/manifests

manifests-check:
	$(call step,generated manifests are up to date)
	cd tests/monitoring && CGO_ENABLED=0 go run -trimpath ./cmd/monitoring -check
	cd tests/chart && CGO_ENABLED=0 go run -trimpath ./cmd/manifests -check

monitoring: ## Test the alerts on made series, and the dashboard against what the controller exposes
	$(call step,alerts and dashboard)
	mkdir -p target/monitoring
	cd tests/monitoring && CGO_ENABLED=0 go build -trimpath -o ../../target/monitoring/promtool github.com/prometheus/prometheus/cmd/promtool
	cd tests/monitoring && PROMTOOL=$(CURDIR)/target/monitoring/promtool CGO_ENABLED=0 go test -trimpath ./...

image: ## Write the images as OCI archives into target/image, without a container engine
	$(call step,images)
	scripts/image.sh

image-test: image ## Unpack the images and run them read-only, as any user, on a real API server
	$(call step,images at work)
	mkdir -p target/image
	cd tests/image && CGO_ENABLED=0 go test -trimpath -c -o ../../target/image/test .
	cluster=$$(tests/cluster/build.sh | tail -n 1) && \
	  images=$$(realpath "$${CARGO_TARGET_DIR:-target}")/image && cd tests/image && \
	  "$$cluster" run -- env IMAGES="$$images" $(CURDIR)/target/image/test

dist: ## Make what a release consists of in target/dist: programs, images, manifests, chart, SBOMs, checksums
	$(call step,release)
	@scripts/setup.sh cargo-cyclonedx
	@scripts/dist.sh

deny:
	$(call step,licences and bans and sources)
	cargo deny --workspace check bans licenses sources

fuzz: ## Fuzz the template engine for FOR=300 seconds (needs cargo-fuzz and a nightly toolchain)
	$(call step,fuzzing)
	# The versions that everything else is tested with.
	cp Cargo.lock fuzz/Cargo.lock
	cd fuzz && cargo +nightly fuzz run rendering -- -max_total_time=$(or $(FOR),300) -max_len=2000 -timeout=20

audit: ## Check the tree against the advisory database (needs network access to it)
	cargo deny check advisories

bench: ## Print speed and memory as ratios within one run
	@bench/run.sh
