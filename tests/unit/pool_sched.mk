# tests of the pool's scheduler and of what else in runtime/pool is pure
if HAVE_CUNIT
pool_sched_tests = tests/unit/test_pool_chaos tests/unit/test_pool_chunks tests/unit/test_pool_cpus \
	tests/unit/test_pool_scheduler tests/unit/test_pool_sizes
check_PROGRAMS += $(pool_sched_tests)
TESTS += $(pool_sched_tests)
endif
pool_sched_cppflags = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
pool_sched_libs = tests/lib/libtest.la runtime/pool/librv_pool.la \
	runtime/sys/librv_sys.la runtime/base/librv_base.la
sched_rig = tests/unit/sched_rig.c tests/unit/sched_rig.h
tests_unit_test_pool_scheduler_SOURCES = tests/unit/test_pool_scheduler.c $(sched_rig)
tests_unit_test_pool_scheduler_CPPFLAGS = $(pool_sched_cppflags)
tests_unit_test_pool_scheduler_LDADD = $(pool_sched_libs)
tests_unit_test_pool_chunks_SOURCES = tests/unit/test_pool_chunks.c
tests_unit_test_pool_chunks_CPPFLAGS = $(pool_sched_cppflags)
tests_unit_test_pool_chunks_LDADD = $(pool_sched_libs)
tests_unit_test_pool_cpus_SOURCES = tests/unit/test_pool_cpus.c
tests_unit_test_pool_cpus_CPPFLAGS = $(pool_sched_cppflags)
tests_unit_test_pool_cpus_LDADD = $(pool_sched_libs)
tests_unit_test_pool_sizes_SOURCES = tests/unit/test_pool_sizes.c $(sched_rig)
tests_unit_test_pool_sizes_CPPFLAGS = $(pool_sched_cppflags)
tests_unit_test_pool_sizes_LDADD = $(pool_sched_libs)
tests_unit_test_pool_chaos_SOURCES = tests/unit/test_pool_chaos.c \
	tests/unit/sched_law.c tests/unit/sched_world.c \
	tests/unit/sched_world.h
tests_unit_test_pool_chaos_CPPFLAGS = $(pool_sched_cppflags)
tests_unit_test_pool_chaos_LDADD = $(pool_sched_libs)
