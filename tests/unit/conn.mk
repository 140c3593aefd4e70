# Tests of runtime/conn.
if HAVE_CUNIT
conn_tests = tests/unit/test_blocks tests/unit/test_conn tests/unit/test_conn_handles \
	tests/unit/test_conn_plain tests/unit/test_conn_small tests/unit/test_conn_stream tests/unit/test_listener tests/unit/test_listener_errors \
	tests/unit/test_wait_any
check_PROGRAMS += $(conn_tests)
TESTS += $(conn_tests)
endif
rv_conn_rig = tests/unit/conn_rig.c tests/unit/conn_rig.h
rv_conn_libs = tests/lib/libtest.la runtime/conn/librv_conn.la \
	runtime/ipc/librv_ipc.la runtime/sys/librv_sys.la \
	runtime/base/librv_base.la
tests_unit_test_conn_SOURCES = tests/unit/test_conn.c $(rv_conn_rig)
tests_unit_test_conn_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_conn_LDADD = $(rv_conn_libs)
tests_unit_test_conn_handles_SOURCES = tests/unit/test_conn_handles.c \
	$(rv_conn_rig)
tests_unit_test_conn_handles_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_conn_handles_LDADD = $(rv_conn_libs)
tests_unit_test_conn_plain_SOURCES = tests/unit/test_conn_plain.c \
	$(rv_conn_rig)
tests_unit_test_conn_plain_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_conn_plain_LDADD = $(rv_conn_libs)
tests_unit_test_conn_small_SOURCES = tests/unit/test_conn_small.c
tests_unit_test_conn_small_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_conn_small_LDADD = $(rv_conn_libs)
tests_unit_test_wait_any_SOURCES = tests/unit/test_wait_any.c
tests_unit_test_wait_any_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_wait_any_LDADD = $(rv_conn_libs)
tests_unit_test_conn_stream_SOURCES = tests/unit/test_conn_stream.c
tests_unit_test_conn_stream_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_conn_stream_LDADD = $(rv_conn_libs)
tests_unit_test_listener_SOURCES = tests/unit/test_listener.c \
	$(rv_conn_rig) $(rv_crew_rig)
tests_unit_test_listener_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_listener_LDADD = runtime/conn/librv_conn.la $(rv_crew_libs)
tests_unit_test_listener_errors_SOURCES = tests/unit/test_listener_errors.c \
	$(rv_conn_rig)
tests_unit_test_listener_errors_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_listener_errors_LDADD = $(rv_conn_libs)
tests_unit_test_blocks_SOURCES = tests/unit/test_blocks.c
tests_unit_test_blocks_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_blocks_LDADD = $(rv_conn_libs)
# By each start method, with what ipc.mk and process.mk say.
if HAVE_CUNIT
check_PROGRAMS += tests/unit/test_conn_methods
TESTS += tests/unit/test_conn_methods
endif
tests_unit_test_conn_methods_SOURCES = tests/unit/test_conn_methods.c \
	$(rv_conn_rig) $(rv_crew_rig)
tests_unit_test_conn_methods_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_conn_methods_LDADD = runtime/conn/librv_conn.la $(rv_crew_libs)
