# Stacks of exceptions, as JSON.
check_PROGRAMS += tests/fuzz/replay_backtrace
TESTS += tests/fuzz/replay_backtrace
EXTRA_DIST += tests/fuzz/corpus/backtrace
backtrace_fuzz_libs = runtime/wire/librv_wire.la runtime/base/librv_base.la \
	$(JANSSON_LIBS)
tests_fuzz_replay_backtrace_SOURCES = tests/fuzz/replay.c \
	tests/fuzz/fuzz_backtrace.c
tests_fuzz_replay_backtrace_CPPFLAGS = $(FUZZ_INCLUDES) \
	-DREPLAY_NAME='"backtrace"'
tests_fuzz_replay_backtrace_LDADD = $(backtrace_fuzz_libs)
if FUZZERS
fuzz_targets += tests/fuzz/fuzz_backtrace
noinst_PROGRAMS += tests/fuzz/fuzz_backtrace
endif
tests_fuzz_fuzz_backtrace_SOURCES = tests/fuzz/fuzz_backtrace.c
tests_fuzz_fuzz_backtrace_CPPFLAGS = $(FUZZ_INCLUDES)
tests_fuzz_fuzz_backtrace_LDFLAGS = $(FUZZ_ENGINE)
tests_fuzz_fuzz_backtrace_LDADD = $(backtrace_fuzz_libs)
