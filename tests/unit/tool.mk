# tests of tool: the real command
if HAVE_CUNIT
check_PROGRAMS += tests/unit/test_tool_manual
TESTS += tests/unit/test_tool_manual
endif
TESTS += tests/unit/test_tool_words tests/unit/test_tool_runtime
TESTS += tests/unit/test_tool_submit
EXTRA_DIST += tests/unit/test_tool_submit
EXTRA_DIST += tests/unit/test_tool_words tests/unit/test_tool_runtime \
	tests/unit/tool.sh
tests_unit_test_tool_manual_SOURCES = tests/unit/test_tool_manual.c
tests_unit_test_tool_manual_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_tool_manual_LDADD = tests/lib/libtest.la \
	runtime/base/librv_base.la
