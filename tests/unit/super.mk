# tests of super
if HAVE_CUNIT
check_PROGRAMS += tests/unit/test_listeners
TESTS += tests/unit/test_listeners
endif
tests_unit_test_listeners_SOURCES = tests/unit/test_listeners.c
tests_unit_test_listeners_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_listeners_LDADD = tests/lib/libtest.la \
	runtime/super/librv_super.la config/librv_config.la \
	runtime/sys/librv_sys.la runtime/base/librv_base.la $(JANSSON_LIBS)
# the runtime without processes: hooks, pages, signals
if HAVE_CUNIT
check_PROGRAMS += tests/unit/test_super_pages tests/unit/test_super_host
TESTS += tests/unit/test_super_pages tests/unit/test_super_host
endif
super_rig_sources = tests/unit/super_rig.c tests/unit/super_rig.h
super_rig_libs = tests/lib/libtest.la runtime/super/librv_super.la \
	runtime/journal/librv_journal.la config/librv_config.la \
	runtime/loop/librv_loop.la runtime/wire/librv_wire.la \
	runtime/core/librv_core.la runtime/sys/librv_sys.la \
	runtime/base/librv_base.la $(JANSSON_LIBS) $(EV_LIBS)
tests_unit_test_super_pages_SOURCES = tests/unit/test_super_pages.c \
	$(super_rig_sources)
tests_unit_test_super_pages_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_super_pages_LDADD = $(super_rig_libs)
tests_unit_test_super_host_SOURCES = tests/unit/test_super_host.c \
	$(super_rig_sources)
tests_unit_test_super_host_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_super_host_LDADD = $(super_rig_libs)
if HAVE_CUNIT
check_PROGRAMS += tests/unit/test_overlap_judge
TESTS += tests/unit/test_overlap_judge
endif
tests_unit_test_overlap_judge_SOURCES = tests/unit/test_overlap_judge.c \
	$(super_rig_sources)
tests_unit_test_overlap_judge_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_overlap_judge_LDADD = $(super_rig_libs)
