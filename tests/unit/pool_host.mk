# Tests of pools over real workers: functions of the program, by the library.
if HAVE_CUNIT
pool_host_tests = tests/unit/test_pool tests/unit/test_pool_bad \
	tests/unit/test_pool_storm tests/unit/test_pool_many \
	tests/unit/test_pool_stranger tests/unit/test_pool_lost \
	tests/unit/test_pool_forge tests/unit/test_pool_nest
check_PROGRAMS += $(pool_host_tests)
TESTS += $(pool_host_tests)
endif
pool_host_cppflags = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
pool_host_libs = libreeve-pool.la libreeve.la tests/lib/libtest.la \
	runtime/sys/librv_sys.la runtime/base/librv_base.la
pool_rig = tests/unit/pool_rig.c tests/unit/pool_rig.h
tests_unit_test_pool_SOURCES = tests/unit/test_pool.c $(pool_rig)
tests_unit_test_pool_CPPFLAGS = $(pool_host_cppflags)
tests_unit_test_pool_LDADD = $(pool_host_libs)
tests_unit_test_pool_bad_SOURCES = tests/unit/test_pool_bad.c $(pool_rig)
tests_unit_test_pool_bad_CPPFLAGS = $(pool_host_cppflags)
tests_unit_test_pool_bad_LDADD = $(pool_host_libs)
tests_unit_test_pool_many_SOURCES = tests/unit/test_pool_many.c $(pool_rig)
tests_unit_test_pool_many_CPPFLAGS = $(pool_host_cppflags)
tests_unit_test_pool_many_LDADD = $(pool_host_libs)
tests_unit_test_pool_forge_SOURCES = tests/unit/test_pool_forge.c $(pool_rig)
tests_unit_test_pool_forge_CPPFLAGS = $(pool_host_cppflags)
tests_unit_test_pool_forge_LDADD = $(pool_host_libs)
tests_unit_test_pool_storm_SOURCES = tests/unit/test_pool_storm.c $(pool_rig)
tests_unit_test_pool_storm_CPPFLAGS = $(pool_host_cppflags)
tests_unit_test_pool_storm_LDADD = $(pool_host_libs)
# pools of a config, by a host of its own
if HAVE_CUNIT
check_PROGRAMS += tests/unit/test_attach
TESTS += tests/unit/test_attach
endif
tests_unit_test_attach_SOURCES = tests/unit/test_attach.c $(pool_rig) \
	tests/host/guest.c tests/host/guest.h
tests_unit_test_attach_CPPFLAGS = $(pool_host_cppflags)
tests_unit_test_attach_LDADD = $(pool_host_libs) -lpthread
tests_unit_test_pool_stranger_SOURCES = tests/unit/test_pool_stranger.c \
	$(pool_rig)
tests_unit_test_pool_stranger_CPPFLAGS = $(pool_host_cppflags)
tests_unit_test_pool_stranger_LDADD = $(pool_host_libs)
tests_unit_test_pool_lost_SOURCES = tests/unit/test_pool_lost.c $(pool_rig) \
	tests/host/guest.c tests/host/guest.h
tests_unit_test_pool_lost_CPPFLAGS = $(pool_host_cppflags)
tests_unit_test_pool_lost_LDADD = $(pool_host_libs) -lpthread -lev
tests_unit_test_pool_nest_SOURCES = tests/unit/test_pool_nest.c $(pool_rig)
tests_unit_test_pool_nest_CPPFLAGS = $(pool_host_cppflags)
tests_unit_test_pool_nest_LDADD = $(pool_host_libs)
# in need: the library is linked in, so that its fault points are the test's
if HAVE_CUNIT
pool_need_tests = tests/unit/test_pool_need tests/unit/test_pool_scant
check_PROGRAMS += $(pool_need_tests)
TESTS += $(pool_need_tests)
endif
need_rig = tests/unit/need_rig.c tests/unit/need_rig.h $(pool_rig)
need_libs = tests/lib/libtest.la runtime/pool/librv_pool.la \
	runtime/ipc/librv_ipc.la runtime/sys/librv_sys.la \
	runtime/base/librv_base.la libreeve.la
tests_unit_test_pool_need_SOURCES = tests/unit/test_pool_need.c $(need_rig)
tests_unit_test_pool_need_CPPFLAGS = $(pool_host_cppflags)
tests_unit_test_pool_need_LDADD = $(need_libs)
tests_unit_test_pool_scant_SOURCES = tests/unit/test_pool_scant.c $(need_rig)
tests_unit_test_pool_scant_CPPFLAGS = $(pool_host_cppflags)
tests_unit_test_pool_scant_LDADD = $(need_libs)
