# Heads of the files that frames lie in.
check_PROGRAMS += tests/fuzz/replay_module
TESTS += tests/fuzz/replay_module
EXTRA_DIST += tests/fuzz/corpus/module
module_fuzz_sources = tests/fuzz/fuzz_module.c runtime/symbols/module.c \
	runtime/symbols/module.h
module_fuzz_libs = runtime/sys/librv_sys.la runtime/base/librv_base.la
tests_fuzz_replay_module_SOURCES = tests/fuzz/replay.c $(module_fuzz_sources)
tests_fuzz_replay_module_CPPFLAGS = $(FUZZ_INCLUDES) -DREPLAY_NAME='"module"'
tests_fuzz_replay_module_LDADD = $(module_fuzz_libs)
if FUZZERS
fuzz_targets += tests/fuzz/fuzz_module
noinst_PROGRAMS += tests/fuzz/fuzz_module
endif
tests_fuzz_fuzz_module_SOURCES = $(module_fuzz_sources)
tests_fuzz_fuzz_module_CPPFLAGS = $(FUZZ_INCLUDES)
tests_fuzz_fuzz_module_LDFLAGS = $(FUZZ_ENGINE)
tests_fuzz_fuzz_module_LDADD = $(module_fuzz_libs)
