# Tests of runtime/manager.
if HAVE_CUNIT
if OPENSSL
manager_net_tests = tests/unit/test_manager_key tests/unit/test_manager_tls
check_PROGRAMS += $(manager_net_tests)
TESTS += $(manager_net_tests)
endif
manager_tests = tests/unit/test_manager_hall tests/unit/test_manager \
	tests/unit/test_manager_deaths tests/unit/test_manager_own \
	tests/unit/test_manager_server
manager_tests += tests/unit/test_manager_gather
manager_tests += tests/unit/test_manager_again
manager_tests += tests/unit/test_manager_misuse
manager_tests += tests/unit/test_manager_slow tests/unit/test_manager_snapshot
check_PROGRAMS += $(manager_tests)
TESTS += $(manager_tests)
endif
# Pools in managers: by the libraries, as programs have them.
shared_tests = tests/unit/test_manager_pool tests/unit/test_manager_pool_deaths
if HAVE_CUNIT
check_PROGRAMS += $(shared_tests)
TESTS += $(shared_tests)
endif
# Constructors run in this order: what is behind the one that enters main is
# not registered in workers.
shared_rig = tests/unit/shared_rig.c tests/unit/shared_rig.h \
	$(rv_manager_rig) $(rv_crew) tests/unit/crew_rig.c \
	tests/unit/crew_rig.h $(pool_rig) $(process_rig)
shared_libs = libreeve-sharedpool.la libreeve-manager.la libreeve-pool.la \
	libreeve-ipc.la libreeve.la tests/lib/libtest.la \
	runtime/sys/librv_sys.la runtime/base/librv_base.la
tests_unit_test_manager_pool_SOURCES = tests/unit/test_manager_pool.c \
	$(shared_rig)
tests_unit_test_manager_pool_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_manager_pool_LDADD = $(shared_libs)
tests_unit_test_manager_pool_deaths_SOURCES = \
	tests/unit/test_manager_pool_deaths.c $(shared_rig)
tests_unit_test_manager_pool_deaths_CPPFLAGS = $(AM_CPPFLAGS) \
	-I$(top_srcdir)/tests
tests_unit_test_manager_pool_deaths_LDADD = $(shared_libs)
rv_manager_libs = tests/lib/libtest.la runtime/manager/librv_manager.la \
	runtime/conn/librv_conn.la runtime/ipc/librv_ipc.la \
	runtime/sys/librv_sys.la runtime/base/librv_base.la
rv_manager_rig = tests/unit/manager_rig.c tests/unit/manager_rig.h
tests_unit_test_manager_hall_SOURCES = tests/unit/test_manager_hall.c
tests_unit_test_manager_hall_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_manager_hall_LDADD = $(rv_manager_libs)
tests_unit_test_manager_SOURCES = tests/unit/test_manager.c \
	$(rv_manager_rig) $(rv_crew_rig)
tests_unit_test_manager_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_manager_LDADD = runtime/manager/librv_manager.la \
	runtime/conn/librv_conn.la $(rv_crew_libs)
tests_unit_test_manager_deaths_SOURCES = tests/unit/test_manager_deaths.c \
	$(rv_manager_rig) $(rv_crew_rig)
tests_unit_test_manager_deaths_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_manager_deaths_LDADD = runtime/manager/librv_manager.la \
	runtime/conn/librv_conn.la $(rv_crew_libs) -lpthread
tests_unit_test_manager_own_SOURCES = tests/unit/test_manager_own.c \
	$(rv_manager_rig) $(rv_crew_rig)
tests_unit_test_manager_own_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_manager_own_LDADD = runtime/manager/librv_manager.la \
	runtime/conn/librv_conn.la $(rv_crew_libs) -lpthread
rv_served_rig = tests/unit/served_rig.c tests/unit/served_rig.h
tests_unit_test_manager_misuse_SOURCES = tests/unit/test_manager_misuse.c \
	$(rv_served_rig)
tests_unit_test_manager_misuse_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_manager_misuse_LDADD = $(rv_manager_libs) -lpthread
tests_unit_test_manager_slow_SOURCES = tests/unit/test_manager_slow.c \
	$(rv_served_rig)
tests_unit_test_manager_slow_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_manager_slow_LDADD = $(rv_manager_libs) -lpthread
tests_unit_test_manager_snapshot_SOURCES = \
	tests/unit/test_manager_snapshot.c $(rv_served_rig)
tests_unit_test_manager_snapshot_CPPFLAGS = $(AM_CPPFLAGS) \
	-I$(top_srcdir)/tests
tests_unit_test_manager_snapshot_LDADD = $(rv_manager_libs) -lpthread
tests_unit_test_manager_server_SOURCES = tests/unit/test_manager_server.c \
	$(rv_served_rig)
tests_unit_test_manager_server_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_manager_server_LDADD = $(rv_manager_libs) -lpthread
tests_unit_test_manager_again_SOURCES = tests/unit/test_manager_again.c \
	$(rv_manager_rig) $(rv_crew_rig)
tests_unit_test_manager_again_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_manager_again_LDADD = runtime/manager/librv_manager.la \
	runtime/conn/librv_conn.la $(rv_crew_libs) -lpthread
tests_unit_test_manager_gather_SOURCES = tests/unit/test_manager_gather.c
tests_unit_test_manager_gather_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_manager_gather_LDADD = $(rv_manager_libs) -lpthread
tests_unit_test_manager_key_SOURCES = tests/unit/test_manager_key.c \
	$(rv_manager_rig) $(rv_crew_rig)
tests_unit_test_manager_key_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_manager_key_LDADD = runtime/manager/librv_manager.la \
	runtime/net/librv_net.la runtime/conn/librv_conn.la $(rv_crew_libs) \
	$(OPENSSL_LIBS)
tests_unit_test_manager_tls_SOURCES = tests/unit/test_manager_tls.c \
	tests/unit/guard_rig.c tests/unit/guard_rig.h $(rv_identities) \
	$(rv_served_rig)
tests_unit_test_manager_tls_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests \
	$(OPENSSL_CFLAGS)
tests_unit_test_manager_tls_LDADD = runtime/manager/librv_manager.la \
	$(rv_net_libs) -lpthread
