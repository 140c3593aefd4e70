# tests of launcher and start, on the real executable
include tests/fixtures/local.mk
if HAVE_CUNIT
launcher_tests = tests/unit/test_launcher tests/unit/test_launcher_child \
	tests/unit/test_launcher_end tests/unit/test_launcher_notify \
	tests/unit/test_launcher_output tests/unit/test_start \
	tests/unit/test_functions tests/unit/test_spares \
	tests/unit/test_cancel
check_PROGRAMS += $(launcher_tests)
TESTS += $(launcher_tests)
endif
launcher_rig = tests/unit/launcher_rig.c tests/unit/launcher_rig.h
launcher_test_cppflags = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
launcher_test_libs = tests/lib/libtest.la runtime/start/librv_start.la \
	runtime/loop/librv_loop.la runtime/wire/librv_wire.la \
	runtime/sys/librv_sys.la runtime/child/librv_child.la \
	runtime/base/librv_base.la $(EV_LIBS)
tests_unit_test_launcher_SOURCES = tests/unit/test_launcher.c $(launcher_rig)
tests_unit_test_launcher_CPPFLAGS = $(launcher_test_cppflags)
tests_unit_test_launcher_LDADD = $(launcher_test_libs)
tests_unit_test_launcher_child_SOURCES = tests/unit/test_launcher_child.c $(launcher_rig)
tests_unit_test_launcher_child_CPPFLAGS = $(launcher_test_cppflags)
tests_unit_test_launcher_child_LDADD = $(launcher_test_libs)
tests_unit_test_launcher_end_SOURCES = tests/unit/test_launcher_end.c $(launcher_rig)
tests_unit_test_launcher_end_CPPFLAGS = $(launcher_test_cppflags)
tests_unit_test_launcher_end_LDADD = $(launcher_test_libs)
tests_unit_test_launcher_notify_SOURCES = tests/unit/test_launcher_notify.c $(launcher_rig)
tests_unit_test_launcher_notify_CPPFLAGS = $(launcher_test_cppflags)
tests_unit_test_launcher_notify_LDADD = $(launcher_test_libs)
tests_unit_test_start_SOURCES = tests/unit/test_start.c $(launcher_rig)
tests_unit_test_start_CPPFLAGS = $(launcher_test_cppflags)
tests_unit_test_start_LDADD = $(launcher_test_libs)
tests_unit_test_launcher_output_SOURCES = tests/unit/test_launcher_output.c $(launcher_rig)
tests_unit_test_launcher_output_CPPFLAGS = $(launcher_test_cppflags)
tests_unit_test_launcher_output_LDADD = $(launcher_test_libs)
tests_unit_test_spares_SOURCES = tests/unit/test_spares.c $(launcher_rig)
tests_unit_test_spares_CPPFLAGS = $(launcher_test_cppflags)
tests_unit_test_spares_LDADD = $(launcher_test_libs)
tests_unit_test_cancel_SOURCES = tests/unit/test_cancel.c $(launcher_rig)
tests_unit_test_cancel_CPPFLAGS = $(launcher_test_cppflags)
tests_unit_test_cancel_LDADD = $(launcher_test_libs)
tests_unit_test_functions_SOURCES = tests/unit/test_functions.c $(launcher_rig)
tests_unit_test_functions_CPPFLAGS = $(launcher_test_cppflags)
tests_unit_test_functions_LDADD = $(launcher_test_libs)
