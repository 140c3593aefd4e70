# Frames of the clerk's sockets.
check_PROGRAMS += tests/fuzz/replay_clerk
TESTS += tests/fuzz/replay_clerk
EXTRA_DIST += tests/fuzz/corpus/clerk
tests_fuzz_replay_clerk_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_clerk.c
tests_fuzz_replay_clerk_CPPFLAGS = $(FUZZ_INCLUDES) -DREPLAY_NAME='"clerk"'
tests_fuzz_replay_clerk_LDADD = runtime/wire/librv_wire.la \
	runtime/base/librv_base.la
if FUZZERS
fuzz_targets += tests/fuzz/fuzz_clerk
noinst_PROGRAMS += tests/fuzz/fuzz_clerk
endif
tests_fuzz_fuzz_clerk_SOURCES = tests/fuzz/fuzz_clerk.c
tests_fuzz_fuzz_clerk_CPPFLAGS = $(FUZZ_INCLUDES)
tests_fuzz_fuzz_clerk_LDFLAGS = $(FUZZ_ENGINE)
tests_fuzz_fuzz_clerk_LDADD = runtime/wire/librv_wire.la \
	runtime/base/librv_base.la
