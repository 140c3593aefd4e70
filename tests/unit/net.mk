# Tests of runtime/net.
if HAVE_CUNIT
if OPENSSL
net_tests = tests/unit/test_guard_key tests/unit/test_guard_tls
check_PROGRAMS += $(net_tests)
TESTS += $(net_tests)
endif
endif
rv_net_libs = tests/lib/libtest.la runtime/net/librv_net.la \
	runtime/conn/librv_conn.la runtime/ipc/librv_ipc.la \
	runtime/sys/librv_sys.la runtime/base/librv_base.la $(OPENSSL_LIBS)
rv_identities = tests/unit/identities.c tests/unit/identities.h
tests_unit_test_guard_key_SOURCES = tests/unit/test_guard_key.c \
	tests/unit/guard_rig.c tests/unit/guard_rig.h $(rv_crew_rig)
tests_unit_test_guard_key_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_guard_key_LDADD = runtime/net/librv_net.la \
	runtime/conn/librv_conn.la $(rv_crew_libs) $(OPENSSL_LIBS)
tests_unit_test_guard_tls_SOURCES = tests/unit/test_guard_tls.c \
	tests/unit/guard_rig.c tests/unit/guard_rig.h $(rv_identities)
tests_unit_test_guard_tls_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests \
	$(OPENSSL_CFLAGS)
tests_unit_test_guard_tls_LDADD = $(rv_net_libs)
