# Config files.
check_PROGRAMS += tests/fuzz/replay_config
TESTS += tests/fuzz/replay_config
EXTRA_DIST += tests/fuzz/corpus/config
config_fuzz_libs = config/librv_config.la runtime/sys/librv_sys.la runtime/base/librv_base.la $(JANSSON_LIBS)
tests_fuzz_replay_config_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_config.c
tests_fuzz_replay_config_CPPFLAGS = $(FUZZ_INCLUDES) -DREPLAY_NAME='"config"'
tests_fuzz_replay_config_LDADD = $(config_fuzz_libs)
if FUZZERS
fuzz_targets += tests/fuzz/fuzz_config
noinst_PROGRAMS += tests/fuzz/fuzz_config
endif
tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz_config.c
tests_fuzz_fuzz_config_CPPFLAGS = $(FUZZ_INCLUDES)
tests_fuzz_fuzz_config_LDFLAGS = $(FUZZ_ENGINE)
tests_fuzz_fuzz_config_LDADD = $(config_fuzz_libs)
