# Tests of pools over real workers that are held, or that do what nobody should.
if HAVE_CUNIT
pool_gate_tests = tests/unit/test_pool_bell
check_PROGRAMS += $(pool_gate_tests)
TESTS += $(pool_gate_tests)
endif
# The gate before the rig, whose constructor runs workers.
pool_gate = tests/unit/pool_gate.c tests/unit/pool_gate.h $(pool_rig)
tests_unit_test_pool_bell_SOURCES = tests/unit/test_pool_bell.c $(pool_gate)
tests_unit_test_pool_bell_CPPFLAGS = $(pool_host_cppflags)
tests_unit_test_pool_bell_LDADD = $(pool_host_libs)
