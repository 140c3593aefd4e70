# tests of the agent in workers, with a launcher that is played
if HAVE_CUNIT
agent_tests = tests/unit/test_agent tests/unit/test_crash \
	tests/unit/test_preload tests/unit/test_raise \
	tests/unit/test_stopping
check_PROGRAMS += $(agent_tests)
TESTS += $(agent_tests)
endif
agent_rig = tests/unit/agent_rig.c tests/unit/agent_rig.h
agent_test_libs = tests/lib/libtest.la runtime/child/libagent.la \
	runtime/wire/librv_wire.la runtime/sys/librv_sys.la \
	runtime/base/librv_base.la
tests_unit_test_crash_SOURCES = tests/unit/test_crash.c $(agent_rig)
tests_unit_test_crash_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_crash_LDADD = $(agent_test_libs)
tests_unit_test_agent_SOURCES = tests/unit/test_agent.c $(agent_rig)
tests_unit_test_agent_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_agent_LDADD = $(agent_test_libs)
tests_unit_test_preload_SOURCES = tests/unit/test_preload.c $(agent_rig)
tests_unit_test_preload_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_preload_LDADD = $(agent_test_libs)
tests_unit_test_raise_SOURCES = tests/unit/test_raise.c $(agent_rig)
tests_unit_test_raise_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_raise_LDADD = $(agent_test_libs)
tests_unit_test_stopping_SOURCES = tests/unit/test_stopping.c $(agent_rig)
tests_unit_test_stopping_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_stopping_LDADD = $(agent_test_libs)
