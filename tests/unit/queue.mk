# Tests of runtime/ipc/queue*.c; rv_ipc_libs and rv_crew are those of ipc.mk.
if HAVE_CUNIT
check_PROGRAMS += tests/unit/test_queue tests/unit/test_queue_crew \
	tests/unit/test_queue_death tests/unit/test_queue_poll \
	tests/unit/test_queue_storm
TESTS += tests/unit/test_queue tests/unit/test_queue_crew \
	tests/unit/test_queue_death tests/unit/test_queue_poll \
	tests/unit/test_queue_storm
endif
tests_unit_test_queue_SOURCES = tests/unit/test_queue.c
tests_unit_test_queue_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_queue_LDADD = $(rv_ipc_libs) -lpthread
tests_unit_test_queue_crew_SOURCES = tests/unit/test_queue_crew.c $(rv_crew)
tests_unit_test_queue_crew_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_queue_crew_LDADD = $(rv_ipc_libs)
tests_unit_test_queue_death_SOURCES = tests/unit/test_queue_death.c $(rv_crew)
tests_unit_test_queue_death_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_queue_death_LDADD = $(rv_ipc_libs)
tests_unit_test_queue_poll_SOURCES = tests/unit/test_queue_poll.c $(rv_crew)
tests_unit_test_queue_poll_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_queue_poll_LDADD = $(rv_ipc_libs)
tests_unit_test_queue_storm_SOURCES = tests/unit/test_queue_storm.c $(rv_crew)
tests_unit_test_queue_storm_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_queue_storm_LDADD = $(rv_ipc_libs)
# With what process.mk says of libraries.
if HAVE_CUNIT
check_PROGRAMS += tests/unit/test_queue_methods
TESTS += tests/unit/test_queue_methods
endif
tests_unit_test_queue_methods_SOURCES = tests/unit/test_queue_methods.c \
	$(rv_crew_rig)
tests_unit_test_queue_methods_CPPFLAGS = $(process_test_cppflags)
tests_unit_test_queue_methods_LDADD = $(rv_crew_libs)
