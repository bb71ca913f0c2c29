# Everything here is one command that can be typed by hand.
TESTFLAGS ?=
# Those of the end-to-end tests, where they differ.
E2EFLAGS ?=

# The version that the program and the image say they are; a release sets it.
VERSION ?=
# What builds the image: podman, buildah or docker, with global flags if need be.
ENGINE ?= $(notdir $(firstword $(shell which podman buildah docker 2>/dev/null) docker))
IMAGE ?= regsweep
IMAGEFLAGS ?=
# The commit's time stands for the time of all builds of it.
EPOCH ?= $(shell git log -1 --format=%ct)

.PHONY: all help build image test test-short test-ci tools tools-gitea lint fuzz bench pictures chaos chaos-mutations chaos-window demo update release-checksums release-check release-snapshot

all: lint test ## lint and test; this is what make runs without a target

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-18s %s\n", $$1, $$2 }' Makefile

build: ## build the static binary ./regsweep
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w $(if $(VERSION),-X main.version=$(VERSION))' -o regsweep .

image: export GOOS = linux
image: build ## build the container image; podman and buildah make the same bytes from the same commit, base and packages
	$(ENGINE) build $(IMAGEFLAGS) --tag $(IMAGE) $(if $(VERSION),--build-arg VERSION=$(VERSION)) \
	  $(if $(filter docker,$(notdir $(firstword $(ENGINE)))),--build-arg SOURCE_DATE_EPOCH=$(EPOCH),--timestamp=$(EPOCH)) .

test: ## run all tests; those whose programs (docker-registry, groovy, chromium …) are missing are skipped
	go test $(TESTFLAGS) ./...
	go -C e2e test -timeout=40m $(or $(E2EFLAGS),$(TESTFLAGS)) ./... # its default of 10m is too short where the machine is busy

test-short: ## run fewer cases of the product's tests, without the end-to-end tests: less than 30 s of processor time
	go test -short -vet=off -ldflags='-s -w' $(TESTFLAGS) ./...

test-ci: tools ## run the action, the GitLab component and job, and the Jenkins pipelines in runners on this machine
	REGSWEEP_CI=1 go -C e2e test $(TESTFLAGS) -run 'TestRunner|TestStep/(action|jenkins|gitlab|github)' .

tools: .tools/bin/act .tools/bin/actionlint .tools/node_modules/.bin/gitlab-ci-local .tools/bin/distribution-3.0.0 ## install those runners, and distribution 3.0.0, into .tools

tools-gitea: .tools/bin/gitea ## build Gitea 1.26.0 into .tools, for the tests; it takes minutes to compile, a C compiler, and git to run

.tools/bin/act: Makefile
	GOBIN=$(CURDIR)/.tools/bin go install github.com/nektos/act@v0.2.89
	@touch $@

.tools/bin/actionlint: Makefile
	GOBIN=$(CURDIR)/.tools/bin go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
	@touch $@

.tools/node_modules/.bin/gitlab-ci-local: e2e/runners/package-lock.json
	mkdir -p .tools && cp e2e/runners/package.json e2e/runners/package-lock.json .tools/
	npm ci --prefix .tools --ignore-scripts --no-audit --no-fund
	@touch $@

.tools/bin/distribution-3.0.0: Makefile
	GOBIN=$(CURDIR)/.tools CGO_ENABLED=0 go install github.com/distribution/distribution/v3/cmd/registry@v3.0.0
	mv .tools/registry $@
	@touch $@

# Its module has replace directives, with which go install refuses it. What it reads while it runs is copied. The program
# comes last, so that no test finds half of it.
GITEA = code.gitea.io/gitea@v1.26.0
.tools/bin/gitea: Makefile
	rm -rf $@ .tools/gitea && mkdir -p .tools/bin .tools/gitea
	dir="$$(go mod download -json $(GITEA) | sed -n 's/^.*"Dir": "\(.*\)",$$/\1/p')" && cd "$$dir" && \
	  cp -R options templates public $(CURDIR)/.tools/gitea && chmod -R u+w $(CURDIR)/.tools/gitea && \
	  CGO_ENABLED=1 go build -trimpath -ldflags '-s -w' -tags 'sqlite sqlite_unlock_notify' -o $(CURDIR)/.tools/gitea/program .
	mv .tools/gitea/program $@
	@touch $@

.tools/bin/goreleaser: Makefile
	GOBIN=$(CURDIR)/.tools/bin go install github.com/goreleaser/goreleaser/v2@v2.16.0
	@touch $@

release-checksums: ## before you tag VERSION=v1.2.3: build its programs and write their SHA-256 into the action
	sums=$$(.ci/release checksums "$(VERSION)") && echo "$$sums" >action/checksums.txt

release-check: .tools/bin/goreleaser ## check .goreleaser.yaml with goreleaser itself, which takes minutes to compile
	.tools/bin/goreleaser check

release-snapshot: .tools/bin/goreleaser ## build the files of a release in ./dist, without SBOMs, signatures and images
	.tools/bin/goreleaser release --snapshot --clean --skip=sbom,sign,docker

# The linters, each at one version. They read both modules; e2e finds the product by its replace directive.
GOFUMPT = go run mvdan.cc/gofumpt@v0.12.0
LINTERS = \
	go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./... && \
	go run github.com/polyfloyd/go-errorlint@v1.8.0 ./... && \
	go run mvdan.cc/unparam@v0.0.0-20260823230713-2fa3d841b0c8 ./...

lint: ## check format (gofumpt), go vet, staticcheck, errorlint and unparam, in both modules
	@test -z "$$($(GOFUMPT) -l .)" || { $(GOFUMPT) -d . ; exit 1; }
	go vet ./...
	go -C e2e vet ./...
	$(LINTERS)
	cd e2e && $(LINTERS)

FUZZTIME ?= 30s
fuzz: ## fuzz the decision, the lists of images in use, shell quoting, JSON of registries, garbage collection logs and reports
	go test ./internal/retain -run '^$$' -fuzz FuzzDecide -fuzztime $(FUZZTIME)
	go test ./internal/inuse -run '^$$' -fuzz FuzzParse -fuzztime $(FUZZTIME)
	go test ./internal/live -run '^$$' -fuzz FuzzParse -fuzztime $(FUZZTIME)
	go test ./internal/gc -run '^$$' -fuzz FuzzQuote -fuzztime $(FUZZTIME)
	go test ./internal/report -run '^$$' -fuzz FuzzMarkdownCell -fuzztime $(FUZZTIME)
	go test ./internal/registry/distribution -run '^$$' -fuzz FuzzUnambiguous -fuzztime $(FUZZTIME)
	go test ./internal/gc -run '^$$' -fuzz FuzzReadLog -fuzztime $(FUZZTIME)
	go test ./internal/report -run '^$$' -fuzz FuzzForms -fuzztime $(FUZZTIME) -fuzzminimizetime 10x
	go test ./internal/report -run '^$$' -fuzz FuzzReadJSON -fuzztime $(FUZZTIME) -fuzzminimizetime 10x

N ?= 300
FROM ?= 1
chaos: ## run N schedules of faults in front of real registries, from seed FROM on; the storage judges what is left
	go run -C e2e ./chaos -n $(N) -from $(FROM)

chaos-mutations: ## plant faults into the program, one after the other, and see that those schedules catch each of them
	go run -C e2e ./chaos -mutations

chaos-window: ## measure the time in which a push during a run can lose a part, with 20 pushes
	go run -C e2e ./chaos -window

demo: ## prune nine repositories on a real registry, and show them before and after
	go run -C e2e ./demo

pictures: ## make the pictures of the README from a run of the demo
	go run -C e2e ./pictures

bench: ## compare regsweep with the script that it replaces, on real registries
	go run -C e2e ./bench

update: ## rewrite the goldens and the README's table of flags; read the diff before you commit
	go test ./internal/retain ./internal/report ./internal/policy ./internal/cli -update
