# Messages of hostile peers.
check_PROGRAMS += tests/fuzz/replay_conn
TESTS += tests/fuzz/replay_conn
EXTRA_DIST += tests/fuzz/corpus/conn
conn_fuzz_libs = runtime/conn/librv_conn.la runtime/ipc/librv_ipc.la \
	runtime/sys/librv_sys.la runtime/base/librv_base.la
tests_fuzz_replay_conn_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_conn.c tests/fuzz/fuzz_fds.h
tests_fuzz_replay_conn_CPPFLAGS = $(FUZZ_INCLUDES) -DREPLAY_NAME='"conn"'
tests_fuzz_replay_conn_LDADD = $(conn_fuzz_libs)
if FUZZERS
fuzz_targets += tests/fuzz/fuzz_conn
noinst_PROGRAMS += tests/fuzz/fuzz_conn
endif
tests_fuzz_fuzz_conn_SOURCES = tests/fuzz/fuzz_conn.c tests/fuzz/fuzz_fds.h
tests_fuzz_fuzz_conn_CPPFLAGS = $(FUZZ_INCLUDES)
tests_fuzz_fuzz_conn_LDFLAGS = $(FUZZ_ENGINE)
tests_fuzz_fuzz_conn_LDADD = $(conn_fuzz_libs)
