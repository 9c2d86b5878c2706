# Moondust. Targets: all run test bench asan tsan valgrind fuzz lint format docs install clean.
#
# One set of objects per BUILD folder; `make asan` and friends re-enter this file with another folder and other flags. The default build runs on any x86-64 or
# arm64 of the last ten years: nothing here says -march.

VERSION := 0.1.0
PREFIX ?= /usr/local
DESTDIR ?=
BUILD ?= build
CC ?= cc
LUA ?= lua5.4
PKG_CONFIG ?= pkg-config

# pkg-config's `hdf5` may be the MPI build, so the serial one is asked for first.
pick = $(firstword $(foreach p,$(1),$(shell $(PKG_CONFIG) --exists $(p) && echo $(p))))
PKG_LUA := $(call pick,lua5.4 lua-5.4 lua54 lua)
PKG_HDF5 := $(call pick,hdf5-serial hdf5)
PKG_GSL := $(call pick,gsl)
PKG_PNG := $(call pick,libpng)
PKG_READLINE := $(call pick,readline)

NEED := $(if $(PKG_LUA),,Lua-5.4) $(if $(PKG_HDF5),,HDF5) $(if $(PKG_GSL),,GSL)
ifneq ($(strip $(NEED)),)
ifeq ($(filter clean help format,$(MAKECMDGOALS)),)
$(error missing: $(strip $(NEED)) -- `scripts/setup` installs what the build needs)
endif
endif

PKGS := $(PKG_LUA) $(PKG_HDF5) $(PKG_GSL) $(PKG_PNG) $(PKG_READLINE)
FEATURES := $(if $(PKG_PNG),-DDUST_HAVE_PNG) $(if $(PKG_READLINE),-DDUST_HAVE_READLINE)

WARN := -Wall -Wextra -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wwrite-strings -Wno-unused-parameter
WERROR ?= $(if $(CI),-Werror,)
OPT ?= -O3 -g -fno-math-errno -fno-trapping-math -ffp-contract=off
SANITIZE ?=
CPPFLAGS += -Isrc -D_GNU_SOURCE -DDUST_VERSION='"$(VERSION)"' $(FEATURES) $(shell $(PKG_CONFIG) --cflags $(PKGS))
CFLAGS += -std=c11 -fPIC -fvisibility=hidden -pthread $(OPT) $(WARN) $(WERROR) $(SANITIZE)
LDLIBS += $(shell $(PKG_CONFIG) --libs $(filter-out $(PKG_LUA) $(PKG_READLINE),$(PKGS))) -lm -pthread
LDFLAGS += $(SANITIZE)

CORE_SRC := $(wildcard src/base/*.c src/volume/*.c src/kernel/*.c src/store/*.c)
LUA_SRC := $(wildcard src/lua/*.c)
obj = $(patsubst src/%.c,$(BUILD)/obj/%.o,$(1))
CORE_OBJ := $(call obj,$(CORE_SRC))
LUA_OBJ := $(call obj,$(LUA_SRC))
CTESTS := $(patsubst tests/c/%.c,$(BUILD)/tests/%,$(wildcard tests/c/test_*.c))

LIB := $(BUILD)/libmoondust.a
MODULE := $(BUILD)/moondust/core.so
PROGRAM := $(if $(filter build,$(BUILD)),moondust,$(BUILD)/moondust/moondust)

.PHONY: all
all: $(LIB) $(MODULE) $(PROGRAM)

$(BUILD)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(LIB): $(CORE_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(MODULE): $(filter-out $(BUILD)/obj/lua/readline.o,$(LUA_OBJ)) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -shared -o $@ $^ $(LDLIBS)

$(PROGRAM): $(BUILD)/obj/main.o $(LUA_OBJ) $(LIB)
	$(CC) $(LDFLAGS) -Wl,-E -o $@ $^ $(shell $(PKG_CONFIG) --libs $(PKG_LUA) $(PKG_READLINE)) $(LDLIBS)

$(BUILD)/tests/%: tests/c/%.c $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itests/c $(CFLAGS) -MMD -MP -o $@ $< $(LIB) $(LDFLAGS) $(LDLIBS)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

.PHONY: clean
clean:
	rm -rf build build-* moondust
