# numbered scenarios of pools, over real workers
if HAVE_CUNIT
pool_scenario_tests = tests/unit/test_pool_executor \
	tests/unit/test_pool_scenarios
check_PROGRAMS += $(pool_scenario_tests)
TESTS += $(pool_scenario_tests)
endif
tests_unit_test_pool_executor_SOURCES = tests/unit/test_pool_executor.c \
	tests/unit/pool_scenario.h $(pool_rig)
tests_unit_test_pool_executor_CPPFLAGS = $(pool_host_cppflags)
tests_unit_test_pool_executor_LDADD = $(pool_host_libs)
tests_unit_test_pool_scenarios_SOURCES = tests/unit/test_pool_scenarios.c \
	tests/unit/pool_scenario.h $(pool_rig)
tests_unit_test_pool_scenarios_CPPFLAGS = $(pool_host_cppflags)
tests_unit_test_pool_scenarios_LDADD = $(pool_host_libs)
