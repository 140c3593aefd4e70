# Traces of interpreters at the end of a worker's output.
check_PROGRAMS += tests/fuzz/replay_traces
TESTS += tests/fuzz/replay_traces
EXTRA_DIST += tests/fuzz/corpus/traces
traces_sources = runtime/clerk/traces.c runtime/clerk/traces.h \
	runtime/clerk/traces_go.c runtime/clerk/traces_java.c \
	runtime/clerk/traces_node.c runtime/clerk/traces_priv.h \
	runtime/clerk/traces_python.c
tests_fuzz_replay_traces_SOURCES = tests/fuzz/replay.c \
	tests/fuzz/fuzz_traces.c $(traces_sources)
tests_fuzz_replay_traces_CPPFLAGS = $(FUZZ_INCLUDES) -DREPLAY_NAME='"traces"'
tests_fuzz_replay_traces_LDADD = runtime/base/librv_base.la
if FUZZERS
fuzz_targets += tests/fuzz/fuzz_traces
noinst_PROGRAMS += tests/fuzz/fuzz_traces
endif
tests_fuzz_fuzz_traces_SOURCES = tests/fuzz/fuzz_traces.c $(traces_sources)
tests_fuzz_fuzz_traces_CPPFLAGS = $(FUZZ_INCLUDES)
tests_fuzz_fuzz_traces_LDFLAGS = $(FUZZ_ENGINE)
tests_fuzz_fuzz_traces_LDADD = runtime/base/librv_base.la
