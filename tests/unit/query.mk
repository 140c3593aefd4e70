# tests of query, on databases with the clerk's own tables and real rings
if HAVE_CUNIT
query_tests = tests/unit/test_query tests/unit/test_query_why \
	tests/unit/test_query_exceptions
check_PROGRAMS += $(query_tests)
TESTS += $(query_tests)
endif
query_rig = tests/unit/query_rig.c tests/unit/query_rig.h \
	runtime/clerk/tables.c runtime/clerk/tables.h
query_test_cppflags = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
query_test_libs = tests/lib/libtest.la runtime/query/librv_query.la \
	runtime/journal/librv_journal.la runtime/loop/librv_loop.la \
	runtime/wire/librv_wire.la runtime/core/librv_core.la \
	runtime/sys/librv_sys.la runtime/base/librv_base.la \
	$(JANSSON_LIBS) $(SQLITE_LIBS) $(EV_LIBS)
tests_unit_test_query_SOURCES = tests/unit/test_query.c $(query_rig)
tests_unit_test_query_CPPFLAGS = $(query_test_cppflags)
tests_unit_test_query_LDADD = $(query_test_libs)
tests_unit_test_query_why_SOURCES = tests/unit/test_query_why.c $(query_rig)
tests_unit_test_query_why_CPPFLAGS = $(query_test_cppflags)
tests_unit_test_query_why_LDADD = $(query_test_libs)
tests_unit_test_query_exceptions_SOURCES = \
	tests/unit/test_query_exceptions.c $(query_rig)
tests_unit_test_query_exceptions_CPPFLAGS = $(query_test_cppflags)
tests_unit_test_query_exceptions_LDADD = $(query_test_libs)
