# tests of base
if HAVE_CUNIT
check_PROGRAMS += tests/unit/test_base_memory tests/unit/test_base_text \
	tests/unit/test_base_words
TESTS += tests/unit/test_base_memory tests/unit/test_base_text \
	tests/unit/test_base_words
endif
tests_unit_test_base_memory_SOURCES = tests/unit/test_base_memory.c
tests_unit_test_base_memory_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_base_memory_LDADD = tests/lib/libtest.la \
	runtime/base/librv_base.la
tests_unit_test_base_text_SOURCES = tests/unit/test_base_text.c
tests_unit_test_base_text_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_base_text_LDADD = tests/lib/libtest.la \
	runtime/base/librv_base.la
tests_unit_test_base_words_SOURCES = tests/unit/test_base_words.c
tests_unit_test_base_words_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_base_words_LDADD = tests/lib/libtest.la \
	runtime/base/librv_base.la
