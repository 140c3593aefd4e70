# tests of sys
if HAVE_CUNIT
check_PROGRAMS += tests/unit/test_sys_calls tests/unit/test_sys_process
TESTS += tests/unit/test_sys_calls tests/unit/test_sys_process
endif
tests_unit_test_sys_calls_SOURCES = tests/unit/test_sys_calls.c
tests_unit_test_sys_calls_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_sys_calls_LDADD = tests/lib/libtest.la \
	runtime/sys/librv_sys.la runtime/base/librv_base.la
tests_unit_test_sys_process_SOURCES = tests/unit/test_sys_process.c
tests_unit_test_sys_process_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_sys_process_LDADD = tests/lib/libtest.la \
	runtime/sys/librv_sys.la runtime/base/librv_base.la
