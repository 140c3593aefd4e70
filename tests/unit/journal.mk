# tests of journal, and of the ring and the records that it writes
if HAVE_CUNIT
check_PROGRAMS += tests/unit/test_journal
TESTS += tests/unit/test_journal
endif
tests_unit_test_journal_SOURCES = tests/unit/test_journal.c
tests_unit_test_journal_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_journal_LDADD = tests/lib/libtest.la \
	runtime/journal/librv_journal.la runtime/loop/librv_loop.la \
	runtime/wire/librv_wire.la runtime/sys/librv_sys.la \
	runtime/core/librv_core.la runtime/base/librv_base.la $(EV_LIBS)
