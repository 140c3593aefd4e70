# Tests of runtime/process.
if HAVE_CUNIT
process_tests = tests/unit/test_process tests/unit/test_process_deaths \
	tests/unit/test_process_ends tests/unit/test_unguarded
check_PROGRAMS += $(process_tests)
TESTS += $(process_tests)
endif
process_rig = tests/unit/process_rig.c tests/unit/process_rig.h
process_test_cppflags = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
process_test_libs = tests/lib/libtest.la runtime/process/librv_process.la \
	runtime/start/librv_start.la runtime/loop/librv_loop.la \
	runtime/wire/librv_wire.la runtime/sys/librv_sys.la \
	runtime/child/librv_child.la runtime/core/librv_core.la \
	runtime/base/librv_base.la $(JANSSON_LIBS) $(EV_LIBS)
tests_unit_test_process_SOURCES = tests/unit/test_process.c $(process_rig)
tests_unit_test_process_CPPFLAGS = $(process_test_cppflags)
tests_unit_test_process_LDADD = $(process_test_libs)
tests_unit_test_process_ends_SOURCES = tests/unit/test_process_ends.c \
	$(process_rig)
tests_unit_test_process_ends_CPPFLAGS = $(process_test_cppflags)
tests_unit_test_process_ends_LDADD = $(process_test_libs) -lpthread
tests_unit_test_process_deaths_SOURCES = tests/unit/test_process_deaths.c \
	$(process_rig)
tests_unit_test_process_deaths_CPPFLAGS = $(process_test_cppflags)
tests_unit_test_process_deaths_LDADD = $(process_test_libs)
tests_unit_test_unguarded_SOURCES = tests/unit/test_unguarded.c
tests_unit_test_unguarded_CPPFLAGS = $(process_test_cppflags)
tests_unit_test_unguarded_LDADD = $(process_test_libs)
