# Moondust. Targets: all run test test-c test-lua golden torture bench bench-docs pictures node-pictures viewer-picture asan tsan valgrind fuzz lint format docs install uninstall clean.
#
# One set of objects per BUILD folder; `make asan` and friends re-enter this file with another folder and other flags. The default build runs on any x86-64 or
# arm64 of the last ten years: nothing here says -march.

VERSION := 0.1.0
PREFIX ?= /usr/local
DESTDIR ?=
BUILD ?= build
CC ?= cc
SHELL := /bin/bash
LUA ?= lua5.4
PKG_CONFIG ?= pkg-config

# pkg-config's `hdf5` may be the MPI build, so the serial one is asked for first.
pick = $(firstword $(foreach p,$(1),$(shell $(PKG_CONFIG) --exists $(p) && echo $(p))))
PKG_LUA := $(call pick,lua5.4 lua-5.4 lua54 lua)
PKG_HDF5 := $(call pick,hdf5-serial hdf5)
PKG_GSL := $(call pick,gsl)
PKG_PNG := $(call pick,libpng)
PKG_READLINE := $(call pick,readline)
PKG_DEFLATE := $(call pick,libdeflate)
PKG_LZF := $(call pick,liblzf)
# MHD_run_wait came with 0.9.72.
PKG_HTTP := $(if $(shell $(PKG_CONFIG) --atleast-version=0.9.72 libmicrohttpd && echo yes),libmicrohttpd)

NEED := $(if $(PKG_LUA),,Lua-5.4) $(if $(PKG_HDF5),,HDF5) $(if $(PKG_GSL),,GSL)
ifneq ($(strip $(NEED)),)
ifeq ($(filter clean help format,$(MAKECMDGOALS)),)
$(error missing: $(strip $(NEED)) -- `scripts/setup` installs what the build needs)
endif
endif

PKGS := $(PKG_LUA) $(PKG_HDF5) $(PKG_GSL) $(PKG_PNG) $(PKG_READLINE) $(PKG_DEFLATE) $(PKG_LZF) $(PKG_HTTP)
# What only the room src/lua and the program need: a C program that links libmoondust.a does not.
PKG_FACE := $(PKG_LUA) $(PKG_READLINE) $(PKG_HTTP)
FEATURES := $(if $(PKG_PNG),-DDUST_HAVE_PNG) $(if $(PKG_READLINE),-DDUST_HAVE_READLINE) $(if $(PKG_DEFLATE),-DDUST_HAVE_LIBDEFLATE) $(if $(PKG_LZF),-DDUST_HAVE_LZF) \
  $(if $(PKG_HTTP),-DDUST_HAVE_MICROHTTPD)

WARN := -Wall -Wextra -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wwrite-strings -Wno-unused-parameter
WERROR ?= $(if $(CI),-Werror,)
OPT ?= -O3 -g -fno-math-errno -fno-trapping-math -ffp-contract=off
SANITIZE ?=
CPPFLAGS += -Isrc -D_GNU_SOURCE -DDUST_VERSION='"$(VERSION)"' $(FEATURES) $(shell $(PKG_CONFIG) --cflags $(PKGS))
CFLAGS += -std=c11 -fPIC -fvisibility=hidden -pthread $(OPT) $(WARN) $(WERROR) $(SANITIZE)
LDLIBS += $(shell $(PKG_CONFIG) --libs $(filter-out $(PKG_FACE),$(PKGS))) -lm -pthread
HTTP_LIBS := $(if $(PKG_HTTP),$(shell $(PKG_CONFIG) --libs $(PKG_HTTP)))
LDFLAGS += $(SANITIZE)

# One short line a file; `make V=1` shows the commands.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-4s %s\n' '$(1)' '$(2)')

CORE_SRC := $(wildcard src/base/*.c src/volume/*.c src/kernel/*.c src/store/*.c)
LUA_SRC := $(wildcard src/lua/*.c)
obj = $(patsubst src/%.c,$(BUILD)/obj/%.o,$(1))
CORE_OBJ := $(call obj,$(CORE_SRC))
LUA_OBJ := $(call obj,$(filter-out src/lua/bundle.c,$(LUA_SRC)))
MODULE_OBJ := $(filter-out %/lua/readline.o %/lua/interrupt.o %/lua/small.o,$(LUA_OBJ)) # without what only the program has
CTESTS := $(patsubst tests/c/%.c,$(BUILD)/tests/%,$(wildcard tests/c/test_*.c))

LIB := $(BUILD)/libmoondust.a
MODULE := $(BUILD)/moondust/core.so
LUA_LIB := $(BUILD)/libmoondust-lua.a
PROGRAM := $(if $(filter build,$(BUILD)),moondust,$(BUILD)/moondust/moondust)

.PHONY: all
all: $(LIB) $(LUA_LIB) $(MODULE) $(PROGRAM)

$(BUILD)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The program knows the tree it was built in, the only one whose Lua files it takes; a tree that was moved builds it anew.
WHERE := $(CURDIR) $(PREFIX)
$(BUILD)/obj/main.o: CPPFLAGS += -DDUST_PREFIX='"$(PREFIX)"' -DDUST_TREE='"$(CURDIR)"'
$(BUILD)/obj/main.o: $(BUILD)/where
ifneq ($(WHERE),$(shell cat $(BUILD)/where 2>/dev/null))
.PHONY: $(BUILD)/where
endif
$(BUILD)/where:
	@mkdir -p $(@D)
	@echo '$(WHERE)' > $@

$(LIB): $(CORE_OBJ)
	@rm -f $@
	$(call say,AR,$@)
	$(Q)$(AR) rcs $@ $^

# For hosts that link the Lua side: bindings, and the Lua files as data.
LUA_FILES := $(shell cd lua && find moondust -name '*.lua' | LC_ALL=C sort)
$(BUILD)/lua_files.c: $(LUA_FILES:%=lua/%) scripts/bundle-lua
	@mkdir -p $(@D)
	$(Q)$(LUA) scripts/bundle-lua lua $(filter-out moondust/meta/%,$(LUA_FILES)) > $@.new && mv $@.new $@

$(BUILD)/obj/lua_files.o: $(BUILD)/lua_files.c
	$(call say,CC,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -g0 -c -o $@ $<

$(LUA_LIB): $(MODULE_OBJ) $(BUILD)/obj/lua/bundle.o $(BUILD)/obj/lua_files.o
	@rm -f $@
	$(call say,AR,$@)
	$(Q)$(AR) rcs $@ $^

# nodelete: the thread that used HDF5 calls destructors of libhdf5's (thread-local memory) as it ends, which may be after Lua has closed the module and the library with it.
$(MODULE): $(MODULE_OBJ) $(LIB)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -shared -Wl,-z,nodelete -o $@ $^ $(HTTP_LIBS) $(LDLIBS)

$(PROGRAM): $(BUILD)/obj/main.o $(LUA_OBJ) $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -Wl,-E -o $@ $^ $(shell $(PKG_CONFIG) --libs $(PKG_FACE)) $(LDLIBS)

$(BUILD)/tests/%: tests/c/%.c $(LIB)
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CPPFLAGS) -Itests/c $(CFLAGS) -MMD -MP -o $@ $< $(LIB) $(LDFLAGS) $(LDLIBS)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

# ---- what a person runs

SAMPLE := $(BUILD)/sample.h5
BATCHES := $(BUILD)/batches.h5

.PHONY: run
run: all $(SAMPLE)
	./$(PROGRAM) run scripts/train_organelles.lua -n 20 --seed 1 --out $(BATCHES) -- $(SAMPLE)
	$(if $(PKG_PNG),./$(PROGRAM) view $(BATCHES) -o $(BATCHES:.h5=.png))

$(SAMPLE): $(PROGRAM)
	./$(PROGRAM) sample --quiet $@

# The pictures in README and docs.
.PHONY: pictures
pictures: all $(SAMPLE)
	./$(PROGRAM) scripts/pictures.lua docs $(SAMPLE)

# A small picture a node, for its page in the manual.
.PHONY: node-pictures
node-pictures: all
	./$(PROGRAM) scripts/node_pictures.lua docs/img

# That of the viewer takes a browser (scripts/setup test).
.PHONY: viewer-picture
viewer-picture: all $(SAMPLE)
	BUILD=$(BUILD) MOONDUST_PROGRAM=./$(PROGRAM) scripts/viewer-picture docs/viewer.png $(SAMPLE)

# Ours beside the originals (tests/bench/setup-peers gets them): make bench [VOLUME=volume.h5] [ONLY=elastic] [SIZE=216] [ROUNDS=7]
PEERS ?= build/peers
BENCH_JSON ?= $(BUILD)/bench.json
BENCH = ./$(PROGRAM) tests/bench/bench.lua --build $(BUILD) --program ./$(PROGRAM) --peers $(PEERS) --json $(BENCH_JSON)
.PHONY: bench
bench: all $(BUILD)/bench/bench_kernels
	@$(BENCH) $(if $(VOLUME),--volume '$(VOLUME)') $(if $(ONLY),--only '$(ONLY)') $(if $(SIZE),--size $(SIZE)) $(if $(ROUNDS),--rounds $(ROUNDS))

# What the last run found, as docs/performance.md's table and plot.
.PHONY: bench-docs
bench-docs: all
	@$(BENCH) --docs docs/performance.md

BENCH_KERNELS := $(wildcard tests/bench/kernels/*.c)
$(BUILD)/bench/bench_kernels: tests/bench/bench_kernels.c $(BENCH_KERNELS) tests/bench/kernels/scene.h $(LIB)
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CPPFLAGS) -Itests/bench $(CFLAGS) -o $@ $(filter %.c,$^) $(LIB) $(LDFLAGS) $(LDLIBS)

# ---- tests. Each part leaves `passed failed skipped` in $(BUILD)/results; the parts go on after a failure, `make test` fails at the end.

TEST_ENV = BUILD=$(BUILD) LUA=$(LUA) MOONDUST_PROGRAM=./$(PROGRAM)

.PHONY: test
test:
	@rm -rf build/results build-asan/results
	@status=0; for part in test-c test-lua test-gc torture asan; do $(MAKE) --no-print-directory $$part || status=1; done; \
	scripts/sum-results build/results build-asan/results || status=1; exit $$status

.PHONY: test-c
test-c: $(CTESTS)
	@scripts/test-c $(BUILD)/results/c $(CTESTS)

.PHONY: test-lua
test-lua: all
	@$(TEST_ENV) scripts/test-lua $(BUILD)/results/lua

# The same under a collector that hardly rests, as the sanitised run is too: whatever C holds without Lua knowing is gone soon. Without the specs that run
# programs, which have collectors of their own, and the longest of kernels and targets, which the sanitised run has under that collector.
PROGRAM_SPECS := $(patsubst %,tests/spec/%_spec.lua,viewer_browser repl_tmux manual embed scripts readme cli run_out program_files hostile_calls kernel_shapes kernel_threads target_tiles)
.PHONY: test-gc
test-gc: all
	@$(TEST_ENV) scripts/test-lua $(BUILD)/results/lua-gc --helper=tests/hostile_collector.lua $(filter-out $(PROGRAM_SPECS),$(wildcard tests/spec/*_spec.lua))

# Calls of the C library that fail, and kills: what the program says and leaves then. A sample of places; make torture LONG=1 tries each.
TORTURE_LIB := $(BUILD)/torture/fail_call.so
$(TORTURE_LIB): tests/torture/fail_call.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) -D_GNU_SOURCE -std=c11 -O1 -g -fPIC -fvisibility=hidden $(WARN) $(WERROR) -shared -o $@ $< -ldl

.PHONY: torture
torture: all $(TORTURE_LIB)
	@mkdir -p $(BUILD)/results; echo "0 1 0" > $(BUILD)/results/torture # unless it gets to its end
	@./$(PROGRAM) tests/torture/torture.lua --build $(BUILD) --program ./$(PROGRAM) --result $(BUILD)/results/torture $(if $(LONG),--long) $(if $(ONLY),--only '$(ONLY)')

# The originals' figures: a line a file, cases, passed, worst deviation.
FIGURES = $(abspath $(BUILD))/figures.tsv
.PHONY: golden
golden: all $(BUILD)/tests/test_resample
	@mkdir -p $(BUILD)/golden; : > $(FIGURES); export MOONDUST_FIGURES=$(FIGURES); \
	$(BUILD)/tests/test_resample > $(BUILD)/golden/c.log; \
	$(TEST_ENV) scripts/test-lua $(BUILD)/golden/lua $(wildcard tests/spec/golden_*_spec.lua) tests/spec/rng_spec.lua tests/spec/roi_spec.lua \
	  tests/spec/transform_golden_spec.lua > $(BUILD)/golden/lua.log 2>&1 || cat $(BUILD)/golden/lua.log
	@LUA_PATH="lua/?.lua;lua/?/init.lua;;" LUA_CPATH="$(BUILD)/?.so;;" $(LUA) scripts/golden $(FIGURES)

SANITIZED_OPT := -O1 -g -fno-omit-frame-pointer -fno-math-errno -fno-trapping-math -ffp-contract=off
.PHONY: asan
asan:
	@$(MAKE) --no-print-directory BUILD=build-asan OPT="$(SANITIZED_OPT)" SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=undefined" asan-here
# A small quarantine, because tests look at resident memory.
.PHONY: asan-here
asan-here: all $(CTESTS)
	@status=0; export ASAN_OPTIONS=quarantine_size_mb=8 UBSAN_OPTIONS=print_stacktrace=1 LSAN_OPTIONS=suppressions=tests/lsan.supp:print_suppressions=0; \
	scripts/test-c $(BUILD)/results/c $(CTESTS) || status=1; \
	$(TEST_ENV) PRELOAD=$(shell $(CC) -print-file-name=libasan.so) scripts/test-lua $(BUILD)/results/lua --helper=tests/hostile_collector.lua || status=1; exit $$status

.PHONY: tsan
tsan:
	@$(MAKE) --no-print-directory BUILD=build-tsan OPT="$(SANITIZED_OPT)" SANITIZE="-fsanitize=thread" test-c

.PHONY: valgrind
valgrind: $(CTESTS)
	@WRAPPER="valgrind -q --leak-check=full --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect --error-exitcode=99" \
	scripts/test-c $(BUILD)/results/valgrind $(CTESTS)

# Each fuzz target is one file with LLVMFuzzerTestOneInput; clang brings the rest.
FUZZ_SECONDS ?= 20
FUZZERS := $(patsubst tests/fuzz/%.c,build-fuzz/tests/%,$(wildcard tests/fuzz/fuzz_*.c))
.PHONY: fuzz
fuzz:
	@command -v clang >/dev/null || { echo "make fuzz needs clang"; exit 1; }
	@$(MAKE) --no-print-directory BUILD=build-fuzz CC=clang OPT="$(SANITIZED_OPT)" SANITIZE="-fsanitize=address,undefined,fuzzer-no-link" fuzz-here
.PHONY: fuzz-here
fuzz-here: $(FUZZERS)
	@for target in $(FUZZERS); do mkdir -p $$target.corpus; \
	  $$target -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=4096 -artifact_prefix=$$target- $$target.corpus >$$target.log 2>&1 \
	    || { tail -n 60 $$target.log; exit 1; }; echo "$$target: $$(tail -n 1 $$target.log)"; done
build-fuzz/tests/%: tests/fuzz/%.c $(LIB)
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -fsanitize=fuzzer -o $@ $< $(LIB) $(LDFLAGS) $(LDLIBS)

# ---- care

SCRIPTS_SH := scripts/setup scripts/run scripts/test scripts/test-c scripts/test-lua scripts/sum-results tests/bench/setup-peers .ci/run
.PHONY: lint
lint: $(MODULE)
	scripts/lint-layers
	BUILD=$(BUILD) scripts/lint-bindings
	BUILD=$(BUILD) scripts/make-docs --check
	luacheck -q lua tests/spec scripts/lint-layers scripts/lint-bindings scripts/make-docs scripts/viewer-picture $(wildcard scripts/*.lua tests/*.lua tests/bench/*.lua)
	cppcheck -q -j 2 --std=c11 --enable=warning,performance,portability --inline-suppr --suppressions-list=tests/cppcheck.supp --error-exitcode=1 -Isrc -DDUST_VERSION='""' src
	@if command -v shellcheck >/dev/null; then echo shellcheck; shellcheck $(SCRIPTS_SH); else echo "shellcheck is not there: shell scripts unchecked"; fi

.PHONY: format
format:
	clang-format -i $(shell find src tests/c tests/fuzz tests/bench -name '*.[ch]')

.PHONY: docs
docs: $(MODULE)
	BUILD=$(BUILD) scripts/make-docs

# ---- installation

LUA_VERSION := 5.4
INSTALLED_LUA = $(DESTDIR)$(PREFIX)/share/lua/$(LUA_VERSION)
INSTALLED_LIB = $(DESTDIR)$(PREFIX)/lib
INSTALLED_INCLUDE = $(DESTDIR)$(PREFIX)/include/moondust
INSTALLED_FILES = $(LUA_FILES) $(shell cd lua && find moondust/viewer/page -type f)
HEADERS = $(filter-out %_internal.h %_private.h %_scene.h,$(wildcard src/moondust.h src/base/*.h src/volume/*.h src/kernel/*.h src/store/*.h))

.PHONY: install
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(INSTALLED_LIB)/pkgconfig $(INSTALLED_LIB)/lua/$(LUA_VERSION)/moondust
	install -m 755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/moondust
	install -D -m 644 docs/moondust.1 $(DESTDIR)$(PREFIX)/share/man/man1/moondust.1
	install -m 644 $(LIB) $(LUA_LIB) $(INSTALLED_LIB)/
	install -m 755 $(MODULE) $(INSTALLED_LIB)/lua/$(LUA_VERSION)/moondust/core.so
	for file in $(INSTALLED_FILES); do install -D -m 644 lua/$$file $(INSTALLED_LUA)/$$file || exit 1; done
	for file in $(HEADERS:src/%=%); do install -D -m 644 src/$$file $(INSTALLED_INCLUDE)/$$file || exit 1; done
	install -m 644 src/lua/moondust_lua.h $(INSTALLED_INCLUDE)/
	for name in moondust moondust-lua; do sed -e 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|; s|@LUA@|$(PKG_LUA)|; s|@HTTP@|$(HTTP_LIBS)|' \
	  -e 's|@REQUIRES@|$(filter-out $(PKG_FACE),$(PKGS))|' $$name.pc.in > $(INSTALLED_LIB)/pkgconfig/$$name.pc || exit 1; done

.PHONY: uninstall
uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/moondust $(DESTDIR)$(PREFIX)/share/man/man1/moondust.1 $(INSTALLED_LIB)/libmoondust.a $(INSTALLED_LIB)/libmoondust-lua.a $(INSTALLED_LIB)/pkgconfig/moondust.pc $(INSTALLED_LIB)/pkgconfig/moondust-lua.pc
	rm -rf $(INSTALLED_LIB)/lua/$(LUA_VERSION)/moondust $(INSTALLED_LUA)/moondust $(INSTALLED_INCLUDE)

# What `luarocks make` calls; luarocks gives the folders.
.PHONY: install-rock
install-rock: all
	install -d $(ROCK_LUADIR) $(ROCK_LIBDIR)/moondust $(ROCK_BINDIR)
	cp -r lua/moondust $(ROCK_LUADIR)/
	install -m 755 $(MODULE) $(ROCK_LIBDIR)/moondust/core.so
	install -m 755 $(PROGRAM) $(ROCK_BINDIR)/moondust

.PHONY: help
help:
	@sed -n '1s/^# //p' Makefile

.PHONY: clean
clean:
	rm -rf build build-* moondust
