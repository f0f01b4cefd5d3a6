# make demo   a ZooKeeper with a sample tree, mounted; Ctrl-C ends it
# make test   everything: what check does, all tests with the race detector, a short fuzz pass
# make help   the other targets

GO         ?= go
BUILD      := build
PREFIX     ?= /usr/local
SBINDIR    ?= /sbin
MOUNTPOINT ?= /tmp/zkfs-demo

# How long make fuzz runs a target: FUZZTIME if servers, other clients or other processes send what
# it reads, FUZZTIME_OWN if only this project writes that, as names that match FUZZ_OWN tell. 30s is
# a time, 1000x a number of inputs.
FUZZTIME     ?= 30s
FUZZTIME_OWN ?= 5s
FUZZ_OWN     := Request|SetWatches|AuthPacket|^FuzzParse$$

# For make chaos. The same seed draws the same faults.
SEED       ?= $(shell date +%s)
DURATION   ?= 5m

# Modules of their own, which stand in for other clients.
COMPAT := compat/go-zookeeper compat/samuel-go-zookeeper

# Modules of their own, whose requirements are not those of package zk.
ADAPTERS := contrib/zkprometheus contrib/zkotel

# What is not tested with the race detector is compiled as the program is, so that a machine with an
# empty cache compiles the standard library once for all of it.
PLAIN = env CGO_ENABLED=0 GOFLAGS='$(strip $(shell $(GO) env GOFLAGS) -trimpath)' $(GO)

# Staticcheck 0.8.2 is release 2026.2.2. Run by version, so that what they need stays out of go.mod.
GOVULNCHECK = $(PLAIN) run golang.org/x/vuln/cmd/govulncheck@v1.9.0
STATICCHECK = $(PLAIN) run honnef.co/go/tools/cmd/staticcheck@v0.8.2

MODULE := github.com/zkfs/zkfs

# Packages whose tests read texts and sources. There is no race in them to find, and the race detector
# makes them take five times as long.
READERS := . ./compat/gen

VULNDB      := vuln.go.dev
UNREACHABLE := NOT CHECKED: $(VULNDB) can not be reached from here

# What the targets need besides Go: a command or a file, and the Debian package that has it.
DEMO_NEEDS := fusermount3:fuse3 getfattr:attr
PACKAGE_NEEDS := dpkg-deb:dpkg rpmbuild:rpm
PACKAGE_CHECK_NEEDS := lintian:lintian rpmlint:rpmlint mmdebstrap:mmdebstrap
IMAGE_NEEDS := buildah:buildah /etc/ssl/certs/ca-certificates.crt:ca-certificates
IMAGE_CHECK_NEEDS := podman:podman runc:runc
TEST_NEEDS := $(DEMO_NEEDS) $(PACKAGE_NEEDS) \
	java:default-jre-headless \
	/usr/share/java/zookeeper.jar:libzookeeper-java \
	/usr/sbin/krb5kdc:krb5-kdc /usr/sbin/kadmin.local:krb5-admin-server kinit:krb5-user \
	zsh:zsh fish:fish systemd-analyze:systemd \
	vim:vim nano:nano emacs:emacs-nox tmux:tmux perl:perl python3:python3 jq:jq tree:tree \
	rsync:rsync busybox:busybox inotifywait:inotify-tools entr:entr node:nodejs ip:iproute2 \
	gcc:gcc /usr/include/stdlib.h:libc6-dev \
	/usr/lib/python3/dist-packages/kazoo:python3-kazoo \
	/usr/lib/python3/dist-packages/watchdog:python3-watchdog \
	javac:default-jdk-headless /usr/share/java/curator-recipes.jar:libcurator-recipes-java

.PHONY: help build demo test test-short check vuln race fuzz chaos bench scale proof deps install uninstall manual session package package-check image image-check kubernetes-check clean

help:
	@echo 'make build    $(BUILD)/zkfs'
	@echo 'make demo     mount a ZooKeeper with a sample tree on MOUNTPOINT ($(MOUNTPOINT)); Ctrl-C ends it'
	@echo 'make test     check, race, and a short fuzz pass'
	@echo 'make test-short  formatting, vet, and the tests that need no ZooKeeper, in less than ninety seconds'
	@echo 'make check    gofmt, go mod tidy, vet, staticcheck, the tests that read texts and sources'
	@echo 'make vuln     does the code call anything with a known vulnerability, by the database at vuln.go.dev'
	@echo 'make race     all other tests, with the race detector'
	@echo 'make fuzz     each fuzz target for FUZZTIME ($(FUZZTIME)), or FUZZTIME_OWN ($(FUZZTIME_OWN)) if no other program writes what it reads'
	@echo 'make chaos    inject faults for DURATION ($(DURATION)), drawn from SEED, and check what was seen; needs root. It writes to $(BUILD)/chaos'
	@echo 'make bench    the benchmarks of the parts, and zkfs beside its peers'
	@echo 'make scale    the tests of scale in full: a million znodes, 100,000 watches; plots docs/scale.svg. Needs 8 GiB'
	@echo 'make proof    the tests of other projects'\'' programs, their own code for ZooKeeper replaced by zk/cache and its like; compiles for minutes'
	@echo 'make deps     install the Debian packages that the tests need, and fetch servers of other versions'
	@echo 'make manual   docs/*.1.md and *.8.md, from the help'
	@echo 'make session  the session that the README shows, by typing its commands again'
	@echo 'make package  a Debian package and an rpm in $(BUILD); GOARCH=arm64 for another machine'
	@echo 'make package-check     lintian and rpmlint read them, and a Debian root has them installed, used and removed; needs root'
	@echo 'make image    an OCI image in $(BUILD), the same bytes wherever it is made; GOARCH=arm64 for another machine'
	@echo 'make image-check       two containers use it as a pod does; needs root'
	@echo 'make kubernetes-check  the example in contrib/kubernetes, by the types of Kubernetes'
	@echo 'make install  the program to PREFIX/bin ($(PREFIX)/bin), completions and manual pages to PREFIX/share, and links for mount(8)'
	@echo '              to SBINDIR ($(SBINDIR)), where it looks; DESTDIR stands before all of them. make uninstall undoes it'

# VERSION is that of the commit, by the file of that name. Completions and manual pages are made by
# the program, or by one for this machine if that is for another.
VERSION ?= $(shell sh contrib/package/version)
ARCH     = $(or $(GOARCH),$(shell $(GO) env GOARCH))
HERE     = env -u GOOS -u GOARCH
PROGRAM  = $(if $(filter $(ARCH),$(shell $(HERE) $(GO) env GOARCH)),$(BUILD)/zkfs,$(HERE) CGO_ENABLED=0 $(GO) run -trimpath ./cmd/zkfs)
build:
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=auto -ldflags '-s -w -X main.version=$(VERSION)' -o $(BUILD)/zkfs ./cmd/zkfs
	@mkdir -p $(BUILD)/share
	@for shell in bash zsh fish; do $(PROGRAM) completion $$shell >$(BUILD)/share/zkfs.$$shell || exit 1; done
	@for page in zkfs.1 zkfs-mount.8; do $(PROGRAM) manual $$page | gzip -9n >$(BUILD)/share/$$page.gz || exit 1; done

# What make install needs, which is root's and needs no Go where make build was run before it.
$(BUILD)/zkfs: VERSION go.mod go.sum $(shell find cmd flw fs internal xattr zk -path '*/testdata' -prune -o -type f ! -name '*_test.go' -print)
	@$(MAKE) --no-print-directory build

demo:
	@$(call need,$(DEMO_NEEDS))
	@$(MAKE) --no-print-directory build
	@$(BUILD)/zkfs demo $(MOUNTPOINT)

# Tests wait much, for servers and for sessions to end, so the rest is done beside them. What a target
# prints comes when it is done, and race, the longest, speaks at once.
test: deps
	@$(MAKE) --no-print-directory -j 2 race beside

.PHONY: beside
beside:
	@out=$$({ $(MAKE) --no-print-directory check && $(MAKE) --no-print-directory vuln && \
		$(MAKE) --no-print-directory fuzz FUZZTIME=1000x FUZZTIME_OWN=100x; } 2>&1); \
	code=$$?; echo "$$out"; exit $$code

# For the way between two edits: less than ninety seconds, and less still where Go knows a result,
# which it does of packages that no edit has reached. Most tests of fs wait, so eight run at a time.
test-short: deps
	@$(formatted)
	$(GO) vet ./...
	$(GO) test -parallel 8 $$($(GO) list ./... | grep -v /integration)
	@for dir in $(COMPAT); do echo "test $$dir" && cd $$dir && $(GO) test ./... && cd $(CURDIR) || exit 1; done
	@echo 'Not done, but by make test: integration with real servers, the race detector, go mod tidy, staticcheck, bench, govulncheck, fuzzing.'

check:
	@$(formatted)
	$(GO) mod tidy -diff
	$(PLAIN) vet ./...
	$(STATICCHECK) ./...
	$(PLAIN) test -vet off $(READERS)
	@for dir in $(COMPAT) bench $(ADAPTERS); do \
		echo "check $$dir" && cd $$dir && $(GO) mod tidy -diff && $(PLAIN) vet ./... && $(STATICCHECK) ./... && cd $(CURDIR) || exit 1; \
	done
	@for dir in $(ADAPTERS); do echo "test $$dir" && cd $$dir && $(PLAIN) test -vet off ./... && cd $(CURDIR) || exit 1; done

# Where the database can not be reached this says so and goes on: nothing is known then. Anything
# else that fails is a failure. The command go asks the host first, as the HTTP client that it is, so
# that govulncheck is not compiled in vain.
vuln:
	@out=$$(GOPROXY=https://$(VULNDB) GONOPROXY=none GONOSUMDB='*' $(GO) list -m $(VULNDB)/none@v1.0.0 2>&1); \
	case $$out in *'dial tcp'*) echo "$$out"; echo 'vuln: $(UNREACHABLE)'; exit 0 ;; esac; \
	out=$$($(GOVULNCHECK) ./... 2>&1); code=$$?; echo "$$out"; \
	case "$$code $$out" in \
		0*) ;; \
		*'fetching vulnerabilities: Get'*) echo 'vuln: $(UNREACHABLE)' ;; \
		*) exit 1 ;; \
	esac

# The longest packages come first: what is started last ends last. Many tests wait, so four of a package
# run at a time. Make check vets, so this does not.
race: deps
	$(GO) test -race -vet off -parallel 4 -timeout 20m ./integration/... ./fs ./cmd/zkfs \
		$$($(GO) list ./... | grep -vE '/(integration|fs|cmd|compat)(/|$$)|^$(MODULE)$$')
	@for dir in $(COMPAT); do echo "test $$dir" && cd $$dir && $(GO) test -race -vet off -timeout 20m ./... && cd $(CURDIR) || exit 1; done

# The targets are found by name, so that none is forgotten, and each package is compiled once. The
# fuzzer is led by the code of this project: go test -fuzz would compile all that it imports for it too,
# the standard library and FUSE, which takes minutes, and reward inputs that reach new lines there. An
# input that reaches new code is made smaller by ten attempts: Go would take up to a minute for
# that, in which it tries nothing else. In Go 1.26 the end of the time may itself look like a
# failure, but one without a failing input: https://go.dev/issue/75804
fuzz:
	@mkdir -p $(BUILD)
	@for dir in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -rn1 dirname | sort -u); do \
		binary=$(CURDIR)/$(BUILD)/fuzz.test; \
		$(PLAIN) test -c -vet off -gcflags '$(MODULE)/...=-d=libfuzzer' -o $$binary $$dir || exit 1; \
		known=$$($(GO) env GOCACHE)/fuzz/$$($(GO) list $$dir); \
		targets=$$(cd $$dir && $$binary -test.list '^Fuzz') || { echo "$$targets"; exit 1; }; \
		for target in $$targets; do \
			if echo "$$target" | grep -qE '$(FUZZ_OWN)'; then time=$(FUZZTIME_OWN); else time=$(FUZZTIME); fi; \
			echo "fuzz $$dir $$target $$time"; \
			out=$$(cd $$dir && $$binary -test.run '^$$' -test.fuzz "^$$target\$$" -test.fuzztime $$time \
				-test.fuzzminimizetime 10x -test.fuzzcachedir $$known 2>&1) || \
			case $$out in \
				*'Failing input'*) echo "$$out"; exit 1 ;; \
				*'    context deadline exceeded'*) ;; \
				*) echo "$$out"; exit 1 ;; \
			esac; \
		done; \
	done

chaos: deps
	@mkdir -p $(BUILD)/chaos
	$(GO) test ./integration/chaos -run TestChaos -v -count=1 -timeout 0 \
		-args -chaos.seed $(SEED) -chaos.duration $(DURATION) -chaos.out $(CURDIR)/$(BUILD)/chaos

bench: deps build
	$(GO) test -run '^$$' -bench . -benchmem ./...
	cd bench && $(GO) run . $(CURDIR)/$(BUILD)/zkfs

scale: deps
	$(GO) test ./integration -count 1 -timeout 60m -v -run '^TestScale' -scale $(CURDIR)/docs

proof: deps
	$(PLAIN) test ./integration -vet off -count 1 -timeout 60m -v -run '^TestProofs$$' -proofs

deps:
	@$(call need,$(TEST_NEEDS))
	@sh integration/zookeepers.sh "$$($(GO) env GOCACHE)/../zkfs"

# Where make install puts what, besides the program.
LINKS   := $(SBINDIR)/mount.zkfs $(SBINDIR)/mount.fuse.zkfs
BASHDIR := $(PREFIX)/share/bash-completion/completions
ZSHDIR  ?= $(PREFIX)/share/zsh/site-functions
FISHDIR := $(PREFIX)/share/fish/vendor_completions.d
MAN     := $(PREFIX)/share/man
PAGES   := $(MAN)/man1/zkfs.1.gz $(MAN)/man8/zkfs-mount.8.gz
ALIASES := $(MAN)/man8/mount.zkfs.8.gz $(MAN)/man8/mount.fuse.zkfs.8.gz
UNIT    := $(PREFIX)/lib/systemd/system/zkfs@.service
DOC     := $(PREFIX)/share/doc/zkfs

# Where a link to the program leads: links within /usr are relative, as Debian's policy asks.
TARGET = $(if $(filter $(PREFIX)/sbin,$(SBINDIR)),../bin/zkfs,$(PREFIX)/bin/zkfs)

# put installs a file with its mode, whatever the umask. The program install gives folders that it
# makes their mode too.
put = install -D -m $(1) $(2) $(DESTDIR)$(3)

install: $(BUILD)/zkfs
	$(call put,755,$(BUILD)/zkfs,$(PREFIX)/bin/zkfs)
	install -d $(dir $(addprefix $(DESTDIR),$(LINKS)))
	for link in $(LINKS); do ln -sf $(TARGET) $(DESTDIR)$$link || exit 1; done
	$(call put,644,$(BUILD)/share/zkfs.bash,$(BASHDIR)/zkfs)
	$(call put,644,$(BUILD)/share/zkfs.zsh,$(ZSHDIR)/_zkfs)
	$(call put,644,$(BUILD)/share/zkfs.fish,$(FISHDIR)/zkfs.fish)
	for page in $(PAGES); do $(call put,644,$(BUILD)/share/$${page##*/},$$page) || exit 1; done
	for alias in $(ALIASES); do ln -sf zkfs-mount.8.gz $(DESTDIR)$$alias || exit 1; done
	$(call put,644,contrib/systemd/zkfs@.service,$(UNIT))
	sed -i 's:/usr/local/bin/:$(PREFIX)/bin/:' $(DESTDIR)$(UNIT)
	$(call put,644,contrib/package/copyright,$(DOC)/copyright)
	install -d $(DESTDIR)$(DOC)/docs $(DESTDIR)$(DOC)/examples
	install -m 644 README.md CHANGELOG.md CONTRIBUTING.md $(DESTDIR)$(DOC)
	install -m 644 docs/*.md docs/*.svg $(DESTDIR)$(DOC)/docs
	install -m 644 contrib/systemd/*mount contrib/systemd/web-register.conf contrib/systemd/zkfs-mirror@.service contrib/grafana/zkfs.json contrib/prometheus/zkfs.rules.yml contrib/kubernetes/*.yaml $(DESTDIR)$(DOC)/examples

uninstall:
	rm -f $(addprefix $(DESTDIR),$(PREFIX)/bin/zkfs $(LINKS) $(BASHDIR)/zkfs $(ZSHDIR)/_zkfs $(FISHDIR)/zkfs.fish $(PAGES) $(ALIASES) $(UNIT))
	rm -rf $(DESTDIR)$(DOC)

# What a test compares docs with.
manual: build
	for page in zkfs.1 zkfs-mount.8; do $(BUILD)/zkfs manual --markdown $$page >docs/$$page.md || exit 1; done

# What a test compares with what it types.
session: deps
	$(GO) test -count=1 -run TestSessionOfTheREADME ./integration -record-session

# Packages of what is committed, the same bytes wherever they are made: make package GOARCH=arm64
RPMARCH  = $(if $(filter amd64,$(ARCH)),x86_64,$(if $(filter arm64,$(ARCH)),aarch64,$(ARCH)))
RELEASE  = $(subst -,~,$(VERSION))
DEB      = $(BUILD)/zkfs_$(RELEASE)-1_$(ARCH).deb
RPM      = $(BUILD)/zkfs-$(RELEASE)-1.$(RPMARCH).rpm
IMAGE    = $(BUILD)/zkfs-$(VERSION)-$(ARCH).oci.tar
TREE     = $(abspath $(BUILD))/tree
PACKAGED = $(MAKE) --no-print-directory install PREFIX=/usr SBINDIR=/usr/sbin
package image: export SOURCE_DATE_EPOCH = $(or $(shell git log -1 --format=%ct),$(shell stat -c %Y VERSION))
package: build
	@$(call need,$(PACKAGE_NEEDS))
	@[ -n '$(VERSION)' ]
	rm -rf $(TREE)
	@$(PACKAGED) DESTDIR=$(TREE)/deb ZSHDIR=/usr/share/zsh/vendor-completions
	@$(PACKAGED) DESTDIR=$(TREE)/rpm
	sh contrib/package/deb $(TREE)/deb $(RELEASE)-1 $(ARCH) $(BUILD)
	LC_ALL=C rpmbuild -bb --quiet --target $(RPMARCH) --define 'version $(RELEASE)' --define 'tree $(TREE)/rpm' --define 'licence $(abspath LICENSE)' \
		--define "changed $$(LC_ALL=C date -u -d @$$SOURCE_DATE_EPOCH '+%a %b %d %Y')" \
		--define '_topdir $(abspath $(BUILD))/rpm' --define '_rpmdir $(abspath $(BUILD))' contrib/package/zkfs.spec

# These need much that make test does not, so they are no part of it.
package-check: package
	@$(call need,$(PACKAGE_CHECK_NEEDS))
	sh contrib/package/check $(DEB) $(RPM)

image: build
	@$(call need,$(IMAGE_NEEDS))
	@[ -n '$(VERSION)' ]
	sh contrib/image/build $(BUILD)/zkfs $(VERSION) $(ARCH) $(BUILD)

image-check: image
	@$(call need,$(IMAGE_CHECK_NEEDS))
	sh contrib/image/check $(IMAGE) $(BUILD)/zkfs

kubernetes-check: build
	cd contrib/kubernetes && $(GO) mod tidy -diff && $(GO) vet . && $(GO) test -count=1 . -args -zkfs $(abspath $(BUILD))/zkfs

clean:
	rm -rf $(BUILD)

# formatted fails if gofmt would change a file.
formatted = unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "gofmt -w $$unformatted"; exit 1; }

# need installs the packages of those entries whose command or file is missing.
define need
missing=; \
for entry in $(1); do \
	name=$${entry%%:*}; \
	command -v "$$name" >/dev/null 2>&1 || [ -e "$$name" ] || missing="$$missing $${entry#*:}"; \
done; \
if [ -n "$$missing" ]; then \
	command -v apt-get >/dev/null || { echo "missing here, by the names of Debian's packages:$$missing"; exit 1; }; \
	[ "$$(id -u)" = 0 ] && sudo= || sudo=sudo; \
	echo "installing$$missing"; \
	$$sudo apt-get update -qq && \
	$$sudo env DEBIAN_FRONTEND=noninteractive apt-get -o Dpkg::Use-Pty=0 -qq -y --no-install-recommends install $$missing; \
fi
endef
