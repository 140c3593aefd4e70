# Tests of runtime/conn.
if HAVE_CUNIT
check_PROGRAMS += tests/unit/test_conn
TESTS += tests/unit/test_conn
endif
rv_conn_libs = tests/lib/libtest.la runtime/conn/librv_conn.la \
	runtime/ipc/librv_ipc.la runtime/sys/librv_sys.la \
	runtime/base/librv_base.la
tests_unit_test_conn_SOURCES = tests/unit/test_conn.c
tests_unit_test_conn_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_conn_LDADD = $(rv_conn_libs)
