# What a client of the control socket is told, by whoever listens there.
check_PROGRAMS += tests/fuzz/replay_client
TESTS += tests/fuzz/replay_client
EXTRA_DIST += tests/fuzz/corpus/client
client_fuzz_sources = tests/fuzz/fuzz_client.c tests/fuzz/script.c \
	tests/fuzz/script.h
tests_fuzz_replay_client_SOURCES = tests/fuzz/replay.c $(client_fuzz_sources)
tests_fuzz_replay_client_CPPFLAGS = $(FUZZ_INCLUDES) -DREPLAY_NAME='"client"'
tests_fuzz_replay_client_LDADD = $(ctl_fuzz_libs)
if FUZZERS
fuzz_targets += tests/fuzz/fuzz_client
noinst_PROGRAMS += tests/fuzz/fuzz_client
endif
tests_fuzz_fuzz_client_SOURCES = $(client_fuzz_sources)
tests_fuzz_fuzz_client_CPPFLAGS = $(FUZZ_INCLUDES)
tests_fuzz_fuzz_client_LDFLAGS = $(FUZZ_ENGINE)
tests_fuzz_fuzz_client_LDADD = $(ctl_fuzz_libs)
