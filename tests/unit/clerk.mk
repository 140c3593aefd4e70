# tests of clerk and of its link, on the real executable
if HAVE_CUNIT
clerk_tests = tests/unit/test_clerk tests/unit/test_clerk_kill \
	tests/unit/test_clerk_output tests/unit/test_clerk_trouble \
	tests/unit/test_clerk_manual tests/unit/test_clerk_traces \
	tests/unit/test_clerk_exceptions tests/unit/test_clerk_names
check_PROGRAMS += $(clerk_tests) tests/unit/test_clerk_full
TESTS += $(clerk_tests)
SYSTEM_TESTS += tests/unit/test_clerk_full
endif
clerk_rig = tests/unit/clerk_rig.c tests/unit/clerk_rig.h
clerk_test_cppflags = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
clerk_test_libs = tests/lib/libtest.la runtime/journal/librv_journal.la \
	runtime/loop/librv_loop.la runtime/wire/librv_wire.la \
	runtime/sys/librv_sys.la runtime/core/librv_core.la \
	runtime/base/librv_base.la $(SQLITE_LIBS) $(EV_LIBS)
tests_unit_test_clerk_SOURCES = tests/unit/test_clerk.c $(clerk_rig)
tests_unit_test_clerk_CPPFLAGS = $(clerk_test_cppflags)
tests_unit_test_clerk_LDADD = $(clerk_test_libs)
tests_unit_test_clerk_kill_SOURCES = tests/unit/test_clerk_kill.c $(clerk_rig)
tests_unit_test_clerk_kill_CPPFLAGS = $(clerk_test_cppflags)
tests_unit_test_clerk_kill_LDADD = $(clerk_test_libs)
tests_unit_test_clerk_output_SOURCES = tests/unit/test_clerk_output.c \
	$(clerk_rig)
tests_unit_test_clerk_output_CPPFLAGS = $(clerk_test_cppflags)
tests_unit_test_clerk_output_LDADD = $(clerk_test_libs)
tests_unit_test_clerk_trouble_SOURCES = tests/unit/test_clerk_trouble.c \
	$(clerk_rig)
tests_unit_test_clerk_trouble_CPPFLAGS = $(clerk_test_cppflags)
tests_unit_test_clerk_trouble_LDADD = $(clerk_test_libs)
tests_unit_test_clerk_full_SOURCES = tests/unit/test_clerk_full.c $(clerk_rig)
tests_unit_test_clerk_full_CPPFLAGS = $(clerk_test_cppflags)
tests_unit_test_clerk_full_LDADD = $(clerk_test_libs)
tests_unit_test_clerk_manual_SOURCES = tests/unit/test_clerk_manual.c
tests_unit_test_clerk_manual_CPPFLAGS = $(clerk_test_cppflags)
tests_unit_test_clerk_manual_LDADD = tests/lib/libtest.la \
	runtime/base/librv_base.la
tests_unit_test_clerk_traces_SOURCES = tests/unit/test_clerk_traces.c \
	$(traces_sources)
tests_unit_test_clerk_traces_CPPFLAGS = $(clerk_test_cppflags)
tests_unit_test_clerk_traces_LDADD = tests/lib/libtest.la \
	runtime/base/librv_base.la
tests_unit_test_clerk_exceptions_SOURCES = \
	tests/unit/test_clerk_exceptions.c $(clerk_rig)
tests_unit_test_clerk_exceptions_CPPFLAGS = $(clerk_test_cppflags)
tests_unit_test_clerk_exceptions_LDADD = $(clerk_test_libs)
tests_unit_test_clerk_names_SOURCES = tests/unit/test_clerk_names.c \
	$(clerk_rig)
tests_unit_test_clerk_names_CPPFLAGS = $(clerk_test_cppflags)
tests_unit_test_clerk_names_LDADD = $(clerk_test_libs)
