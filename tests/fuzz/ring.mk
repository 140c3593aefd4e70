# Rings, and the records in them.
check_PROGRAMS += tests/fuzz/replay_ring
TESTS += tests/fuzz/replay_ring
EXTRA_DIST += tests/fuzz/corpus/ring
ring_fuzz_libs = runtime/wire/librv_wire.la runtime/core/librv_core.la runtime/base/librv_base.la
tests_fuzz_replay_ring_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_ring.c
tests_fuzz_replay_ring_CPPFLAGS = $(FUZZ_INCLUDES) -DREPLAY_NAME='"ring"'
tests_fuzz_replay_ring_LDADD = $(ring_fuzz_libs)
if FUZZERS
fuzz_targets += tests/fuzz/fuzz_ring
noinst_PROGRAMS += tests/fuzz/fuzz_ring
endif
tests_fuzz_fuzz_ring_SOURCES = tests/fuzz/fuzz_ring.c
tests_fuzz_fuzz_ring_CPPFLAGS = $(FUZZ_INCLUDES)
tests_fuzz_fuzz_ring_LDFLAGS = $(FUZZ_ENGINE)
tests_fuzz_fuzz_ring_LDADD = $(ring_fuzz_libs)
