# Frames of the launcher, and what workers say.
check_PROGRAMS += tests/fuzz/replay_launch
TESTS += tests/fuzz/replay_launch
EXTRA_DIST += tests/fuzz/corpus/launch
launch_fuzz_libs = runtime/wire/librv_wire.la runtime/sys/librv_sys.la runtime/base/librv_base.la
tests_fuzz_replay_launch_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_launch.c
tests_fuzz_replay_launch_CPPFLAGS = $(FUZZ_INCLUDES) -DREPLAY_NAME='"launch"'
tests_fuzz_replay_launch_LDADD = $(launch_fuzz_libs)
if FUZZERS
fuzz_targets += tests/fuzz/fuzz_launch
noinst_PROGRAMS += tests/fuzz/fuzz_launch
endif
tests_fuzz_fuzz_launch_SOURCES = tests/fuzz/fuzz_launch.c
tests_fuzz_fuzz_launch_CPPFLAGS = $(FUZZ_INCLUDES)
tests_fuzz_fuzz_launch_LDFLAGS = $(FUZZ_ENGINE)
tests_fuzz_fuzz_launch_LDADD = $(launch_fuzz_libs)
