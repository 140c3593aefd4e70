# Tests of runtime/ipc.
rv_ipc_tests = tests/unit/test_barrier tests/unit/test_bell \
	tests/unit/test_condition tests/unit/test_items tests/unit/test_lock \
	tests/unit/test_memory tests/unit/test_mixed_storm \
	tests/unit/test_semaphore
if HAVE_CUNIT
check_PROGRAMS += $(rv_ipc_tests)
TESTS += $(rv_ipc_tests)
endif
rv_ipc_libs = tests/lib/libtest.la runtime/ipc/librv_ipc.la \
	runtime/sys/librv_sys.la runtime/base/librv_base.la
rv_crew = tests/lib/crew.c tests/lib/crew.h
# By each start method: what process.mk says of libraries.
rv_crew_rig = $(rv_crew) tests/unit/crew_rig.c tests/unit/crew_rig.h \
	$(process_rig)
rv_crew_libs = runtime/ipc/librv_ipc.la $(process_test_libs)
tests_unit_test_bell_SOURCES = tests/unit/test_bell.c $(rv_crew_rig)
tests_unit_test_bell_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_bell_LDADD = $(rv_crew_libs)
tests_unit_test_lock_SOURCES = tests/unit/test_lock.c $(rv_crew_rig)
tests_unit_test_lock_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_lock_LDADD = $(rv_crew_libs)
tests_unit_test_barrier_SOURCES = tests/unit/test_barrier.c $(rv_crew_rig)
tests_unit_test_barrier_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_barrier_LDADD = $(rv_crew_libs)
tests_unit_test_condition_SOURCES = tests/unit/test_condition.c $(rv_crew_rig)
tests_unit_test_condition_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_condition_LDADD = $(rv_crew_libs)
tests_unit_test_semaphore_SOURCES = tests/unit/test_semaphore.c $(rv_crew_rig)
tests_unit_test_semaphore_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_semaphore_LDADD = $(rv_crew_libs)
tests_unit_test_items_SOURCES = tests/unit/test_items.c $(rv_crew_rig)
tests_unit_test_items_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_items_LDADD = $(rv_crew_libs)
tests_unit_test_memory_SOURCES = tests/unit/test_memory.c $(rv_crew_rig)
tests_unit_test_memory_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_memory_LDADD = $(rv_crew_libs)
tests_unit_test_mixed_storm_SOURCES = tests/unit/test_mixed_storm.c \
	tests/unit/storm_rig.h tests/unit/storm_steps.c $(rv_crew)
tests_unit_test_mixed_storm_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_mixed_storm_LDADD = $(rv_ipc_libs)
