# tests of tools/map: its pure parts, and the command
if HAVE_CUNIT
check_PROGRAMS += tests/unit/test_map
TESTS += tests/unit/test_map
endif
tests_unit_test_map_SOURCES = tests/unit/test_map.c $(map_pure) \
	tools/map/map_input.c tools/map/map_input.h
tests_unit_test_map_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_map_LDADD = tests/lib/libtest.la runtime/base/librv_base.la
if HAVE_CUNIT
check_PROGRAMS += tests/unit/test_map_terminal
TESTS += tests/unit/test_map_terminal
endif
tests_unit_test_map_terminal_SOURCES = tests/unit/test_map_terminal.c
tests_unit_test_map_terminal_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_map_terminal_LDADD = tests/lib/libtest.la \
	runtime/base/librv_base.la
TESTS += tests/unit/test_map_runs tests/unit/test_map_resume
EXTRA_DIST += tests/unit/test_map_runs tests/unit/test_map_resume
TESTS += tests/unit/test_map_functions
EXTRA_DIST += tests/unit/test_map_functions
TESTS += tests/unit/test_map_peers
EXTRA_DIST += tests/unit/test_map_peers
