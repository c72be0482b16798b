# Pizza: an event-driven pizza-order system and its console.
#
#   make            build everything into build/
#   make run        install what is missing, build, start, and take one real order through the saga
#   make check      all tests (unit, integration, console, documentation), also with sanitizers
#   make man        write the manual pages and the example configuration anew, from the tables and man/text
#   make check-long the crash harness (ORDERS=, KILLS=, SEED=) and the fuzz targets (SECONDS= each)
#   make bench      measure; prints and writes build/bench.json
#   make lint       clang-format, clang-tidy, cppcheck, link directions
#   make install DESTDIR= PREFIX=   ·   make uninstall   ·   make deb   ·   make check-deb   ·   make deps   ·   make clean

VERSION  := 0.1.0
DATE     := November 21, 2026
PREFIX   ?= /usr/local
B        ?= build
CC       ?= gcc
SANITIZE ?=
OPT      ?= -O2 -g
# CRASH=1: with the crash points of the tests (core/base/crash.h).
CRASH    ?=
FUZZ_CC  ?= clang

DAEMONS  := menu order inventory payment sandbox notify outbox aggregator dlq hardware kitchen
# A program is named after its folder, but for these; and libraries of one daemon alone.
PROGRAM_hardware := hwd
LIBS_hardware     = $(shell pkg-config --libs libmodbus)
LIBS_kitchen      = $(LIBS_hardware)
program = $(or $(PROGRAM_$(1)),$(1)d)

PKGS     := libpq rdkafka libmicrohttpd libcurl jansson yaml-0.1 libsodium smartcols
WARN     := -Wall -Wextra -Wshadow -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror
CPPFLAGS += -D_GNU_SOURCE -DPIZZA_VERSION='"$(VERSION)"' -I. -I$(B)/gen $(if $(CRASH),-DPIZZA_CRASH_POINTS)
# gcc says "maybe uninitialized" of sound code when it instruments it.
WARN     += $(if $(SANITIZE),-Wno-error=maybe-uninitialized)
CFLAGS   += -std=gnu17 $(OPT) $(WARN) -fstack-protector-strong -fno-omit-frame-pointer -pthread $(SANITIZE)
# Asked for when something is compiled, not when make starts: the packages may not be there yet.
PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS))
PKG_LIBS   = $(shell pkg-config --libs $(PKGS))
# Of pizzactl alone.
TUI_LIBS   = $(shell pkg-config --libs ncursesw zlib)

CORE_SRC := $(wildcard core/*/*.c)
CORE_OBJ := $(CORE_SRC:%.c=$(B)/%.o) $(B)/gen/service_migrations.o
CLI_SRC  := $(wildcard cli/*.c)
CLI_OBJ   = $(CLI_SRC:%.c=$(B)/%.o) $(B)/gen/texts.o $(B)/gen/scripts.o
TUI_SRC  := $(wildcard tui/*.c)
BINS     := $(B)/bin/pizzactl $(B)/bin/pizzad $(foreach d,$(DAEMONS),$(B)/bin/$(call program,$(d)))
UNIT_SRC := $(wildcard tests/unit/test_*.c)
UNITS    := $(UNIT_SRC:tests/unit/%.c=$(B)/tests/%)

# V=1 shows the commands.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-4s %s\n' '$(1)' '$(2)')

all: $(BINS)

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(PKG_CFLAGS) -MMD -MP -c $< -o $@

$(B)/gen/%.o: $(B)/gen/%.c
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

# Migrations are embedded: `NAME_migrations` and `NAME_migration_count` from daemons/NAME/NNNN_*.sql.
$(B)/gen/service_migrations.c: $(wildcard core/service/*.sql) core/db/embed.sh
	@mkdir -p $(@D)
	$(Q)sh core/db/embed.sh service $(wildcard core/service/*.sql) > $@.new && mv $@.new $@

$(B)/gen/%_migrations.c: core/db/embed.sh FORCE
	@mkdir -p $(@D)
	@sh core/db/embed.sh $* $(wildcard daemons/$*/*.sql) > $@.new; if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

# The manual's prose and the completion scripts are embedded: pizzactl needs nothing installed.
EMBED_texts   := $(wildcard man/text/*.txt)
EMBED_scripts := $(wildcard completions/pizzactl.*)
define EMBED_RULE
$(B)/gen/$(1).c: cli/embed.sh $(EMBED_$(1)) FORCE
	@mkdir -p $$(@D)
	@sh cli/embed.sh embedded_$(1) $(EMBED_$(1)) > $$@.new; if cmp -s $$@.new $$@; then rm $$@.new; else mv $$@.new $$@; fi
endef
$(foreach t,texts scripts,$(eval $(call EMBED_RULE,$(t))))

$(B)/libcore.a: $(CORE_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

define DAEMON_RULE
$(B)/bin/$(call program,$(1)): $(patsubst %.c,$(B)/%.o,$(wildcard daemons/$(1)/*.c)) $(B)/gen/$(1)_migrations.o $(B)/libcore.a
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(PKG_LIBS) $$(LIBS_$(1)) -lm
endef
$(foreach d,$(DAEMONS),$(eval $(call DAEMON_RULE,$(d))))

$(B)/bin/pizzad: $(patsubst %.c,$(B)/%.o,$(wildcard daemons/pizzad/*.c)) $(B)/libcore.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) -lm

$(B)/bin/pizzactl: $(CLI_OBJ) $(TUI_SRC:%.c=$(B)/%.o) $(B)/libcore.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) $(TUI_LIBS) -lm

# One cmocka program per tests/unit/*.c; a test of daemons/NAME/rules.c includes it.
$(B)/tests/%: tests/unit/%.c $(B)/libcore.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(PKG_CFLAGS) -MMD -MP -o $@ $< $(filter %.o,$^) $(B)/libcore.a $(LDFLAGS) -lcmocka $(PKG_LIBS) -lm

# Those of the dashboard get all of it that needs neither a terminal nor a backend.
TUI_PURE := $(filter-out tui/display.c tui/rescue.c tui/top.c tui/worker.c,$(TUI_SRC))
$(filter $(B)/tests/test_tui_%,$(UNITS)): $(TUI_PURE:%.c=$(B)/%.o)
$(filter $(B)/tests/test_tui_%,$(UNITS)): PKG_LIBS += -lz

units: $(UNITS)

# Integration tests in C against real servers; tests/run.sh tells them where these are.
INTEG_SRC := $(wildcard tests/integration/c/test_*.c)
INTEGS    := $(INTEG_SRC:tests/integration/c/%.c=$(B)/itests/%)
$(B)/itests/%: tests/integration/c/%.c $(B)/libcore.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(PKG_CFLAGS) -MMD -MP -o $@ $< $(B)/libcore.a $(LDFLAGS) -lcmocka $(PKG_LIBS) -lm

# It brings the daemon's migrations with it.
$(B)/itests/test_inventory_store: $(B)/gen/inventory_migrations.c

itests: $(INTEGS)

BENCHES := $(patsubst tests/bench/%.c,$(B)/bench/%,$(wildcard tests/bench/*.c))
$(B)/bench/%: tests/bench/%.c $(B)/libcore.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(PKG_CFLAGS) -MMD -MP -o $@ $< $(B)/libcore.a $(LDFLAGS) $(PKG_LIBS) -lm

$(B)/bench/kitchen: LDFLAGS += $(LIBS_kitchen)

benches: $(BENCHES)

# Fuzz targets (libFuzzer): everything is compiled by clang with coverage and sanitizers into a folder of its own.
FUZZERS := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/*.c))
$(B)/fuzz/%: tests/fuzz/%.c $(filter-out %/main.o,$(CLI_OBJ)) $(TUI_SRC:%.c=$(B)/%.o) $(B)/libcore.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(PKG_CFLAGS) -fsanitize=fuzzer -MMD -MP -o $@ $< $(filter %.o %.a,$^) $(LDFLAGS) $(PKG_LIBS) $(TUI_LIBS) -lm

fuzzers: $(FUZZERS)

# --- documents ---

$(B)/man/generate: man/generate.c $(filter-out %/main.o,$(CLI_OBJ)) $(TUI_SRC:%.c=$(B)/%.o) $(B)/libcore.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(PKG_CFLAGS) -MMD -MP -o $@ $(filter-out %.h,$^) $(LDFLAGS) $(PKG_LIBS) $(TUI_LIBS) -lm

# The pages and the example configuration are committed; `make check` compares.
man: $(BINS) $(B)/man/generate
	@bash man/update.sh $(B) "$(DATE)"

# The crash harness; its system is built with crash points.
HARNESS := $(B)/harness/client $(B)/harness/check $(B)/harness/storm $(B)/harness/clock.so
define HARNESS_RULE
$(B)/harness/$(1): $(patsubst %.c,$(B)/%.o,$(wildcard tests/crash/$(1)/*.c)) $(B)/tests/crash/orders.o $(B)/libcore.a
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(PKG_LIBS) -lm
endef
$(foreach p,client check storm,$(eval $(call HARNESS_RULE,$(p))))

$(B)/harness/clock.so: tests/crash/clock.c
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -fPIC -shared -o $@ $< -ldl

harness: $(HARNESS)

# --- what is needed ---

deps:
	@sh daemons/pizzad/deps.sh

kafka: deps
	@sh daemons/pizzad/kafka/fetch.sh

# --- run, test, measure ---

JOBS := $(shell nproc 2>/dev/null || echo 2)

run: kafka
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@sh cli/first-order.sh $(B)/bin/pizzactl

check: kafka
	@$(MAKE) --no-print-directory -j$(JOBS) all units itests $(B)/man/generate
	@$(MAKE) --no-print-directory -j$(JOBS) B=$(B)/asan OPT="-O1 -g" \
		SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=all" all units
	@$(MAKE) --no-print-directory -j$(JOBS) B=$(B)/crash CRASH=1 all harness
	@bash tests/run.sh $(B)

# The long tests: the crash harness, the fuzz targets, the package on a clean root.
ORDERS  ?= 20000
KILLS   ?= 200
SECONDS ?= 60
check-long: kafka
	@$(MAKE) --no-print-directory -j$(JOBS) B=$(B)/crash CRASH=1 all harness
	@$(MAKE) --no-print-directory fuzz
	@bash tests/crash/run.sh --build $(B)/crash --orders $(ORDERS) --kills $(KILLS) $(if $(SEED),--seed $(SEED)) --selftest
	@$(MAKE) --no-print-directory check-deb

fuzz: deps
	@$(MAKE) --no-print-directory -j$(JOBS) B=$(B)/fuzz CC="$(FUZZ_CC)" OPT="-O1 -g" WARN=-w \
		SANITIZE="-fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all" fuzzers
	@bash tests/fuzz/run.sh $(B)/fuzz $(SECONDS)

bench: kafka
	@$(MAKE) --no-print-directory -j$(JOBS) all benches
	@bash tests/bench/run.sh $(B)

lint: deps
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@bash tests/lint.sh

# --- installing ---

# Programs, manual, completion, systemd units, example configuration: daemons/packaging/install.sh has the list.
install: all
	@DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" sh daemons/packaging/install.sh install $(B)

uninstall:
	@DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" sh daemons/packaging/install.sh uninstall $(B)

deb: kafka
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@sh daemons/packaging/deb.sh $(B) $(VERSION)

# The package on a clean root: installed, run, removed. As root; it takes some minutes and Debian's packages.
check-deb: deb
	@bash tests/package.sh $(B) $(VERSION)

clean:
	rm -rf $(B)

FORCE:
.PHONY: all man deb check-deb clean units itests benches harness fuzzers fuzz deps kafka run check check-long bench lint install uninstall FORCE
.SECONDARY:
-include $(shell test -d $(B) && find $(B) -name '*.d')
