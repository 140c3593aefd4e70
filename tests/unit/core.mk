# tests of core
if HAVE_CUNIT
core_tests = tests/unit/test_core_worker tests/unit/test_core_stop \
	tests/unit/test_core_beat tests/unit/test_core_budget \
	tests/unit/test_core_order tests/unit/test_core_group \
	tests/unit/test_core_command tests/unit/test_core_verdict \
	tests/unit/test_core_chaos \
	tests/unit/test_core_manual
check_PROGRAMS += $(core_tests) tests/unit/core_flaws
TESTS += $(core_tests)
endif
check_LTLIBRARIES += tests/lib/librig.la
tests_lib_librig_la_SOURCES = tests/lib/rig.c tests/lib/rig.h \
	tests/lib/rig_chaos.c tests/lib/rig_chaos.h tests/lib/rig_check.c \
	tests/lib/rig_flaw.c tests/lib/rig_play.c tests/lib/rig_tree.c
tests_lib_librig_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
core_test_cppflags = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
core_test_libs = tests/lib/librig.la tests/lib/libtest.la \
	runtime/core/librv_core.la runtime/base/librv_base.la
tests_unit_test_core_worker_SOURCES = tests/unit/test_core_worker.c
tests_unit_test_core_worker_CPPFLAGS = $(core_test_cppflags)
tests_unit_test_core_worker_LDADD = $(core_test_libs)
tests_unit_test_core_stop_SOURCES = tests/unit/test_core_stop.c
tests_unit_test_core_stop_CPPFLAGS = $(core_test_cppflags)
tests_unit_test_core_stop_LDADD = $(core_test_libs)
tests_unit_test_core_beat_SOURCES = tests/unit/test_core_beat.c
tests_unit_test_core_beat_CPPFLAGS = $(core_test_cppflags)
tests_unit_test_core_beat_LDADD = $(core_test_libs)
tests_unit_test_core_budget_SOURCES = tests/unit/test_core_budget.c
tests_unit_test_core_budget_CPPFLAGS = $(core_test_cppflags)
tests_unit_test_core_budget_LDADD = $(core_test_libs)
tests_unit_test_core_order_SOURCES = tests/unit/test_core_order.c
tests_unit_test_core_order_CPPFLAGS = $(core_test_cppflags)
tests_unit_test_core_order_LDADD = $(core_test_libs)
tests_unit_test_core_group_SOURCES = tests/unit/test_core_group.c
tests_unit_test_core_group_CPPFLAGS = $(core_test_cppflags)
tests_unit_test_core_group_LDADD = $(core_test_libs)
tests_unit_test_core_command_SOURCES = tests/unit/test_core_command.c
tests_unit_test_core_command_CPPFLAGS = $(core_test_cppflags)
tests_unit_test_core_command_LDADD = $(core_test_libs)
tests_unit_test_core_verdict_SOURCES = tests/unit/test_core_verdict.c
tests_unit_test_core_verdict_CPPFLAGS = $(core_test_cppflags)
tests_unit_test_core_verdict_LDADD = $(core_test_libs)
tests_unit_test_core_chaos_SOURCES = tests/unit/test_core_chaos.c
tests_unit_test_core_chaos_CPPFLAGS = $(core_test_cppflags)
tests_unit_test_core_chaos_LDADD = $(core_test_libs)
tests_unit_core_flaws_SOURCES = tests/unit/core_flaws.c
tests_unit_core_flaws_CPPFLAGS = $(core_test_cppflags)
tests_unit_core_flaws_LDADD = tests/lib/librig.la \
	runtime/core/librv_core.la runtime/base/librv_base.la
EXTRA_DIST += tools/dev/mutate
tests_unit_test_core_manual_SOURCES = tests/unit/test_core_manual.c
tests_unit_test_core_manual_CPPFLAGS = $(core_test_cppflags)
tests_unit_test_core_manual_LDADD = tests/lib/libtest.la \
	runtime/base/librv_base.la
EXTRA_DIST += runtime/core/unit_fsm.md
