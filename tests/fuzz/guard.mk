# Greetings of strangers.
if OPENSSL
check_PROGRAMS += tests/fuzz/replay_guard
TESTS += tests/fuzz/replay_guard
endif
EXTRA_DIST += tests/fuzz/corpus/guard
guard_fuzz_libs = runtime/net/librv_net.la runtime/conn/librv_conn.la \
	runtime/ipc/librv_ipc.la runtime/sys/librv_sys.la \
	runtime/base/librv_base.la $(OPENSSL_LIBS)
tests_fuzz_replay_guard_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_guard.c
tests_fuzz_replay_guard_CPPFLAGS = $(FUZZ_INCLUDES) -DREPLAY_NAME='"guard"'
tests_fuzz_replay_guard_LDADD = $(guard_fuzz_libs)
if FUZZERS
if OPENSSL
fuzz_targets += tests/fuzz/fuzz_guard
noinst_PROGRAMS += tests/fuzz/fuzz_guard
endif
endif
tests_fuzz_fuzz_guard_SOURCES = tests/fuzz/fuzz_guard.c
tests_fuzz_fuzz_guard_CPPFLAGS = $(FUZZ_INCLUDES)
tests_fuzz_fuzz_guard_LDFLAGS = $(FUZZ_ENGINE)
tests_fuzz_fuzz_guard_LDADD = $(guard_fuzz_libs)
