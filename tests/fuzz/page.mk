# Pages of lives.
check_PROGRAMS += tests/fuzz/replay_page
TESTS += tests/fuzz/replay_page
EXTRA_DIST += tests/fuzz/corpus/page
page_fuzz_libs = runtime/wire/librv_wire.la runtime/base/librv_base.la
tests_fuzz_replay_page_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_page.c
tests_fuzz_replay_page_CPPFLAGS = $(FUZZ_INCLUDES) -DREPLAY_NAME='"page"'
tests_fuzz_replay_page_LDADD = $(page_fuzz_libs)
if FUZZERS
fuzz_targets += tests/fuzz/fuzz_page
noinst_PROGRAMS += tests/fuzz/fuzz_page
endif
tests_fuzz_fuzz_page_SOURCES = tests/fuzz/fuzz_page.c
tests_fuzz_fuzz_page_CPPFLAGS = $(FUZZ_INCLUDES)
tests_fuzz_fuzz_page_LDFLAGS = $(FUZZ_ENGINE)
tests_fuzz_fuzz_page_LDADD = $(page_fuzz_libs)
