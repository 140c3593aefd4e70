# Tests of pools over real workers that are held, or that do what nobody should.
if HAVE_CUNIT
pool_gate_tests = tests/unit/test_pool_bell tests/unit/test_pool_grow \
	tests/unit/test_pool_loops
check_PROGRAMS += $(pool_gate_tests)
TESTS += $(pool_gate_tests)
endif
# The gate before the rig, whose constructor runs workers.
pool_gate = tests/unit/pool_gate.c tests/unit/pool_gate.h $(pool_rig)
tests_unit_test_pool_bell_SOURCES = tests/unit/test_pool_bell.c $(pool_gate)
tests_unit_test_pool_bell_CPPFLAGS = $(pool_host_cppflags)
tests_unit_test_pool_bell_LDADD = $(pool_host_libs)
tests_unit_test_pool_grow_SOURCES = tests/unit/test_pool_grow.c $(pool_gate)
tests_unit_test_pool_grow_CPPFLAGS = $(pool_host_cppflags)
tests_unit_test_pool_grow_LDADD = $(pool_host_libs)
tests_unit_test_pool_loops_SOURCES = tests/unit/test_pool_loops.c \
	$(pool_gate) tests/host/guest.c tests/host/guest.h
tests_unit_test_pool_loops_CPPFLAGS = $(pool_host_cppflags) $(EVENT_CFLAGS) \
	$(UV_CFLAGS)
# libevent first: libev, too, has functions of its names.
tests_unit_test_pool_loops_LDADD = $(EVENT_LIBS) $(pool_host_libs) \
	$(EV_LIBS) $(UV_LIBS)
