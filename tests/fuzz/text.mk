# The small text of base.
check_PROGRAMS += tests/fuzz/replay_text
TESTS += tests/fuzz/replay_text
EXTRA_DIST += tests/fuzz/corpus/text
tests_fuzz_replay_text_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_text.c
tests_fuzz_replay_text_CPPFLAGS = $(FUZZ_INCLUDES) -DREPLAY_NAME='"text"'
tests_fuzz_replay_text_LDADD = runtime/base/librv_base.la
if FUZZERS
fuzz_targets += tests/fuzz/fuzz_text
noinst_PROGRAMS += tests/fuzz/fuzz_text
endif
tests_fuzz_fuzz_text_SOURCES = tests/fuzz/fuzz_text.c
tests_fuzz_fuzz_text_CPPFLAGS = $(FUZZ_INCLUDES)
tests_fuzz_fuzz_text_LDFLAGS = $(FUZZ_ENGINE)
tests_fuzz_fuzz_text_LDADD = runtime/base/librv_base.la
