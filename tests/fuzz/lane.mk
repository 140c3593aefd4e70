# Lanes of a worker that writes what it likes.
check_PROGRAMS += tests/fuzz/replay_lane
TESTS += tests/fuzz/replay_lane
EXTRA_DIST += tests/fuzz/corpus/lane
lane_fuzz_libs = runtime/pool/librv_pool.la runtime/ipc/librv_ipc.la \
	runtime/sys/librv_sys.la runtime/base/librv_base.la
tests_fuzz_replay_lane_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_lane.c \
	tests/fuzz/fuzz_fds.h
tests_fuzz_replay_lane_CPPFLAGS = $(FUZZ_INCLUDES) -DREPLAY_NAME='"lane"'
tests_fuzz_replay_lane_LDADD = $(lane_fuzz_libs)
if FUZZERS
fuzz_targets += tests/fuzz/fuzz_lane
noinst_PROGRAMS += tests/fuzz/fuzz_lane
endif
tests_fuzz_fuzz_lane_SOURCES = tests/fuzz/fuzz_lane.c tests/fuzz/fuzz_fds.h
tests_fuzz_fuzz_lane_CPPFLAGS = $(FUZZ_INCLUDES)
tests_fuzz_fuzz_lane_LDFLAGS = $(FUZZ_ENGINE)
tests_fuzz_fuzz_lane_LDADD = $(lane_fuzz_libs)
