# Events into the core.
check_PROGRAMS += tests/fuzz/replay_core
TESTS += tests/fuzz/replay_core
EXTRA_DIST += tests/fuzz/corpus/core
core_fuzz_libs = tests/lib/librig.la runtime/core/librv_core.la \
	runtime/base/librv_base.la
tests_fuzz_replay_core_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_core.c
tests_fuzz_replay_core_CPPFLAGS = $(FUZZ_INCLUDES) -DREPLAY_NAME='"core"'
tests_fuzz_replay_core_LDADD = $(core_fuzz_libs)
if FUZZERS
fuzz_targets += tests/fuzz/fuzz_core
noinst_PROGRAMS += tests/fuzz/fuzz_core
endif
tests_fuzz_fuzz_core_SOURCES = tests/fuzz/fuzz_core.c
tests_fuzz_fuzz_core_CPPFLAGS = $(FUZZ_INCLUDES)
tests_fuzz_fuzz_core_LDFLAGS = $(FUZZ_ENGINE)
tests_fuzz_fuzz_core_LDADD = $(core_fuzz_libs)
