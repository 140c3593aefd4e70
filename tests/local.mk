# tests: see its README.md. Each folder under test has a fragment of its own.
if HAVE_CUNIT
check_LTLIBRARIES += tests/lib/libtest.la
endif
tests_lib_libtest_la_SOURCES = tests/lib/harness.c tests/lib/harness.h \
	tests/lib/leavings.c tests/lib/leavings.h \
	tests/lib/manual.c tests/lib/manual.h
tests_lib_libtest_la_LIBADD = $(CUNIT_LIBS)
tests_lib_libtest_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
EXTRA_DIST += tests/lib/run

# Tests that need root or real servers, that take minutes, or hours. Their
# programs and scripts are listed in these by the fragments, not in TESTS.
SYSTEM_TESTS =
TORTURE_TESTS =
SOAK_TESTS =

check-system:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(SYSTEM_TESTS)' \
	    TEST_SUITE_LOG=check-system.log
check-torture:
	REEVE_TEST_TIMEOUT=$${REEVE_TEST_TIMEOUT-3600} \
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(TORTURE_TESTS)' \
	    TEST_SUITE_LOG=check-torture.log
check-soak:
	REEVE_TEST_TIMEOUT=$${REEVE_TEST_TIMEOUT-90000} \
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(SOAK_TESTS)' \
	    TEST_SUITE_LOG=check-soak.log
.PHONY: check-system check-torture check-soak

# What `make install` leaves, for the tests that are about that. It is there
# before any test begins: libraries are linked again when they are installed,
# in the place that the others load them from.
$(TEST_LOGS): installed.stamp
installed.stamp: $(LTLIBRARIES) $(PROGRAMS) $(HEADERS) $(DATA) $(MANS)
	@rm -rf installed $@ && \
	$(MAKE) $(AM_MAKEFLAGS) DESTDIR='$(abs_builddir)/installed' \
	    install >installed.out 2>&1 || \
	{ cat installed.out; exit 1; }
	@touch $@
MOSTLYCLEANFILES += installed.stamp installed.out
mostlyclean-local:
	rm -rf installed

# What each of them runs, one a line, for tools/check to look for results.
list-check:
	@for test in $(TESTS); do echo "$$test"; done
list-check-system:
	@for test in $(SYSTEM_TESTS); do echo "$$test"; done
.PHONY: list-check list-check-system
MOSTLYCLEANFILES += check-system.log check-torture.log check-soak.log

# Never true: automake shall know how to run these, and not run them by itself.
if NEVER
TESTS += $(SYSTEM_TESTS) $(TORTURE_TESTS) $(SOAK_TESTS)
endif

# A test program prog_X: tests/unit/test_X.c; see tests/README.md
include tests/unit/base.mk
include tests/unit/sys.mk
include tests/unit/core.mk
include tests/unit/wire.mk
include tests/unit/agent.mk
include tests/unit/loop.mk
include tests/unit/config.mk
include tests/unit/ipc.mk
include tests/unit/queue.mk
include tests/unit/conn.mk
include tests/unit/net.mk
include tests/unit/pool.mk
include tests/unit/journal.mk
include tests/unit/launcher.mk
include tests/unit/clerk.mk
include tests/unit/super.mk
include tests/unit/process.mk
include tests/unit/pool_sched.mk
include tests/unit/pool_host.mk
include tests/unit/pool_gate.mk
include tests/unit/pool_scenarios.mk
include tests/unit/manager.mk
include tests/unit/ctl.mk
include tests/unit/query.mk
include tests/unit/tool.mk
include tests/unit/map.mk
include tests/model/local.mk
include tests/lint/local.mk
include tests/fuzz/local.mk
include tests/scenario/local.mk
include tests/host/local.mk
include tests/system/local.mk
include tests/bench/local.mk
