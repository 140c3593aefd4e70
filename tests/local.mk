# tests: see its README.md. Each folder under test has a fragment of its own.
if HAVE_CUNIT
check_LTLIBRARIES += tests/lib/libtest.la
endif
tests_lib_libtest_la_SOURCES = tests/lib/harness.c tests/lib/harness.h
tests_lib_libtest_la_LIBADD = $(CUNIT_LIBS)
tests_lib_libtest_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests

# A test program prog_X: tests/unit/test_X.c; see tests/README.md
include tests/unit/base.mk
include tests/unit/sys.mk
include tests/unit/core.mk
include tests/unit/wire.mk
include tests/unit/loop.mk
include tests/unit/config.mk
include tests/unit/journal.mk
include tests/unit/launcher.mk
include tests/unit/clerk.mk
include tests/unit/super.mk
include tests/unit/ctl.mk
include tests/unit/query.mk
include tests/unit/tool.mk
include tests/lint/local.mk
include tests/fuzz/local.mk
include tests/scenario/local.mk
include tests/system/local.mk
include tests/bench/local.mk
