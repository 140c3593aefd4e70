# tests of loop
if HAVE_CUNIT
check_PROGRAMS += tests/unit/test_loop
TESTS += tests/unit/test_loop
endif
tests_unit_test_loop_SOURCES = tests/unit/test_loop.c
tests_unit_test_loop_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_loop_LDADD = tests/lib/libtest.la \
	runtime/loop/librv_loop.la runtime/sys/librv_sys.la \
	runtime/base/librv_base.la $(EV_LIBS)
