# tests/scenario: see its README.md
live_sources = tests/lib/live.c tests/lib/live.h
live_libs = libreeve.la tests/lib/libtest.la runtime/sys/librv_sys.la \
	runtime/base/librv_base.la \
	$(JANSSON_LIBS) $(SQLITE_LIBS)
if HAVE_CUNIT
check_PROGRAMS += tests/scenario/test_tree
TESTS += tests/scenario/test_tree
endif
tests_scenario_test_tree_SOURCES = tests/scenario/test_tree.c $(live_sources)
tests_scenario_test_tree_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_scenario_test_tree_LDADD = $(live_libs)
if HAVE_CUNIT
check_PROGRAMS += tests/scenario/test_overlap
TESTS += tests/scenario/test_overlap
endif
tests_scenario_test_overlap_SOURCES = tests/scenario/test_overlap.c \
	$(live_sources)
tests_scenario_test_overlap_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_scenario_test_overlap_LDADD = $(live_libs)
if HAVE_CUNIT
check_PROGRAMS += tests/scenario/test_said
TESTS += tests/scenario/test_said
endif
tests_scenario_test_said_SOURCES = tests/scenario/test_said.c $(live_sources)
tests_scenario_test_said_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_scenario_test_said_LDADD = $(live_libs)
if HAVE_CUNIT
check_PROGRAMS += tests/scenario/test_signals
TESTS += tests/scenario/test_signals
endif
tests_scenario_test_signals_SOURCES = tests/scenario/test_signals.c \
	$(live_sources)
tests_scenario_test_signals_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_scenario_test_signals_LDADD = $(live_libs)
if HAVE_CUNIT
check_PROGRAMS += tests/scenario/test_speaker
TESTS += tests/scenario/test_speaker
endif
tests_scenario_test_speaker_SOURCES = tests/scenario/test_speaker.c \
	$(live_sources)
tests_scenario_test_speaker_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_scenario_test_speaker_LDADD = $(live_libs)
if HAVE_CUNIT
check_PROGRAMS += tests/scenario/test_called
TESTS += tests/scenario/test_called
endif
tests_scenario_test_called_SOURCES = tests/scenario/test_called.c \
	$(live_sources)
tests_scenario_test_called_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_scenario_test_called_LDADD = $(live_libs)
if HAVE_CUNIT
check_PROGRAMS += tests/scenario/test_hostile
TESTS += tests/scenario/test_hostile
endif
tests_scenario_test_hostile_SOURCES = tests/scenario/test_hostile.c \
	$(live_sources)
tests_scenario_test_hostile_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_scenario_test_hostile_LDADD = $(live_libs)
if HAVE_CUNIT
check_PROGRAMS += tests/scenario/test_fork_server
TESTS += tests/scenario/test_fork_server
endif
tests_scenario_test_fork_server_SOURCES = tests/scenario/test_fork_server.c \
	$(live_sources)
tests_scenario_test_fork_server_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_scenario_test_fork_server_LDADD = $(live_libs)
if HAVE_CUNIT
check_PROGRAMS += tests/scenario/test_taken
TESTS += tests/scenario/test_taken
endif
tests_scenario_test_taken_SOURCES = tests/scenario/test_taken.c \
	$(live_sources)
tests_scenario_test_taken_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_scenario_test_taken_LDADD = $(live_libs)
if HAVE_CUNIT
check_PROGRAMS += tests/scenario/test_managed
TESTS += tests/scenario/test_managed
endif
tests_scenario_test_managed_SOURCES = tests/scenario/test_managed.c \
	$(live_sources)
tests_scenario_test_managed_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_scenario_test_managed_LDADD = libreeve-manager.la $(live_libs) -lpthread
