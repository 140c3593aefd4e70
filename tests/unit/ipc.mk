# Tests of runtime/ipc.
if HAVE_CUNIT
check_PROGRAMS += tests/unit/test_bell
TESTS += tests/unit/test_bell
endif
rv_ipc_libs = tests/lib/libtest.la runtime/ipc/librv_ipc.la \
	runtime/sys/librv_sys.la runtime/base/librv_base.la
tests_unit_test_bell_SOURCES = tests/unit/test_bell.c
tests_unit_test_bell_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_bell_LDADD = $(rv_ipc_libs)
