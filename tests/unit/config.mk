# tests of config
if HAVE_CUNIT
config_tests = tests/unit/test_config tests/unit/test_config_declare \
	tests/unit/test_config_flaws tests/unit/test_config_function \
	tests/unit/test_config_listen \
	tests/unit/test_config_look \
	tests/unit/test_config_manual tests/unit/test_config_pool
check_PROGRAMS += $(config_tests)
TESTS += $(config_tests)
endif
config_test_libs = tests/lib/libtest.la config/librv_config.la \
	runtime/sys/librv_sys.la runtime/base/librv_base.la $(JANSSON_LIBS)
config_said = tests/unit/config_said.c tests/unit/config_said.h
tests_unit_test_config_SOURCES = tests/unit/test_config.c $(config_said)
tests_unit_test_config_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_config_LDADD = $(config_test_libs)
tests_unit_test_config_manual_SOURCES = tests/unit/test_config_manual.c
tests_unit_test_config_manual_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_config_manual_LDADD = $(config_test_libs)
tests_unit_test_config_flaws_SOURCES = tests/unit/test_config_flaws.c \
	$(config_said)
tests_unit_test_config_flaws_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_config_flaws_LDADD = $(config_test_libs)
tests_unit_test_config_pool_SOURCES = tests/unit/test_config_pool.c \
	$(config_said)
tests_unit_test_config_pool_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_config_pool_LDADD = $(config_test_libs)
tests_unit_test_config_look_SOURCES = tests/unit/test_config_look.c
tests_unit_test_config_look_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_config_look_LDADD = $(config_test_libs)
tests_unit_test_config_declare_SOURCES = tests/unit/test_config_declare.c \
	$(config_said)
tests_unit_test_config_declare_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_config_declare_LDADD = $(config_test_libs)
tests_unit_test_config_function_SOURCES = tests/unit/test_config_function.c \
	$(config_said)
tests_unit_test_config_function_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_config_function_LDADD = $(config_test_libs)
tests_unit_test_config_listen_SOURCES = tests/unit/test_config_listen.c \
	$(config_said)
tests_unit_test_config_listen_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_config_listen_LDADD = $(config_test_libs)
