# Everything here is one command that can be typed by hand.
TESTFLAGS ?=

# The version that the program and the image say they are; a release sets it.
VERSION ?=
# What builds the image: podman, buildah or docker, with global flags if need be.
ENGINE ?= $(notdir $(firstword $(shell which podman buildah docker 2>/dev/null) docker))
IMAGE ?= regsweep
IMAGEFLAGS ?=
# The commit's time stands for the time of all builds of it.
EPOCH ?= $(shell git log -1 --format=%ct)

.PHONY: all build image test test-ci tools lint fuzz chaos bench demo update release-checksums release-check release-snapshot

all: lint test

build: ## the binary, static, in ./regsweep
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w $(if $(VERSION),-X main.version=$(VERSION))' -o regsweep .

image: export GOOS = linux
image: build ## the container image; podman and buildah make the same bytes of the same commit, base and packages
	$(ENGINE) build $(IMAGEFLAGS) --tag $(IMAGE) $(if $(VERSION),--build-arg VERSION=$(VERSION)) \
	  $(if $(filter docker,$(notdir $(firstword $(ENGINE)))),--build-arg SOURCE_DATE_EPOCH=$(EPOCH),--timestamp=$(EPOCH)) .

test: ## all tests; those that need docker-registry, groovy, chromium, xmllint, jq, zsh, fish or podman are skipped without them
	go test $(TESTFLAGS) ./...
	go -C e2e test $(TESTFLAGS) ./...

test-ci: tools ## the action, the GitLab component and job, and the Jenkins pipelines in the runners that are to be had
	REGSWEEP_CI=1 go -C e2e test $(TESTFLAGS) -run 'TestRunner|TestStep/(action|jenkins|gitlab|github)' .

tools: .tools/bin/act .tools/bin/actionlint .tools/node_modules/.bin/gitlab-ci-local ## the runners, into .tools

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

.tools/bin/goreleaser: Makefile
	GOBIN=$(CURDIR)/.tools/bin go install github.com/goreleaser/goreleaser/v2@v2.16.0
	@touch $@

release-checksums: ## before the tag VERSION=v1.2.3: builds its programs and writes their SHA-256 into the action
	sums=$$(.ci/release checksums "$(VERSION)") && echo "$$sums" >action/checksums.txt

release-check: .tools/bin/goreleaser ## .goreleaser.yaml, by goreleaser itself, which takes minutes to compile
	.tools/bin/goreleaser check

release-snapshot: .tools/bin/goreleaser ## what a release would publish, into ./dist, without SBOMs, signatures and images
	.tools/bin/goreleaser release --snapshot --clean --skip=sbom,sign,docker

lint: ## format, vet and staticcheck, in both modules
	@test -z "$$(gofmt -l .)" || { gofmt -d . ; exit 1; }
	go vet ./...
	go -C e2e vet ./...
	go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...
	cd e2e && go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...

FUZZTIME ?= 30s
fuzz: ## look for a policy and a repository that break a promise, for images in use that are overlooked, for words that a shell reads otherwise, for text that breaks out of a report, and for logs that are misread
	go test ./internal/retain -run '^$$' -fuzz FuzzDecide -fuzztime $(FUZZTIME)
	go test ./internal/retain -run '^$$' -fuzz FuzzParseInUse -fuzztime $(FUZZTIME)
	go test ./internal/gc -run '^$$' -fuzz FuzzQuote -fuzztime $(FUZZTIME)
	go test ./internal/report -run '^$$' -fuzz FuzzMarkdownCell -fuzztime $(FUZZTIME)
	go test ./internal/gc -run '^$$' -fuzz FuzzReadLog -fuzztime $(FUZZTIME)
	go test ./internal/report -run '^$$' -fuzz FuzzForms -fuzztime $(FUZZTIME) -fuzzminimizetime 10x
	go test ./internal/report -run '^$$' -fuzz FuzzReadJSON -fuzztime $(FUZZTIME) -fuzzminimizetime 10x

N ?= 300
FROM ?= 1
chaos: ## N schedules of faults in front of real registries, from seed FROM on; the storage judges what is left
	go run -C e2e ./chaos -n $(N) -from $(FROM)

demo: ## nine repositories on a real registry, before and after
	go run -C e2e ./demo

bench: ## the step against the script that it replaces, on real registries
	go run -C e2e ./bench

update: ## write goldens and the README's flags anew; read the diff
	go test ./internal/retain ./internal/report . -update
