# Calls of hostile clients.
check_PROGRAMS += tests/fuzz/replay_manager
TESTS += tests/fuzz/replay_manager
EXTRA_DIST += tests/fuzz/corpus/manager
manager_fuzz_libs = runtime/manager/librv_manager.la runtime/conn/librv_conn.la runtime/ipc/librv_ipc.la \
	runtime/sys/librv_sys.la runtime/base/librv_base.la
tests_fuzz_replay_manager_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_manager.c
tests_fuzz_replay_manager_CPPFLAGS = $(FUZZ_INCLUDES) -DREPLAY_NAME='"manager"'
tests_fuzz_replay_manager_LDADD = $(manager_fuzz_libs)
if FUZZERS
fuzz_targets += tests/fuzz/fuzz_manager
noinst_PROGRAMS += tests/fuzz/fuzz_manager
endif
tests_fuzz_fuzz_manager_SOURCES = tests/fuzz/fuzz_manager.c
tests_fuzz_fuzz_manager_CPPFLAGS = $(FUZZ_INCLUDES)
tests_fuzz_fuzz_manager_LDFLAGS = $(FUZZ_ENGINE)
tests_fuzz_fuzz_manager_LDADD = $(manager_fuzz_libs)
