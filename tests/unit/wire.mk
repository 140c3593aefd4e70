# tests of wire
if HAVE_CUNIT
check_PROGRAMS += tests/unit/test_frames tests/unit/test_notify \
	tests/unit/test_page
TESTS += tests/unit/test_frames tests/unit/test_notify tests/unit/test_page
endif
tests_unit_test_frames_SOURCES = tests/unit/test_frames.c
tests_unit_test_frames_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_frames_LDADD = tests/lib/libtest.la \
	runtime/wire/librv_wire.la runtime/sys/librv_sys.la \
	runtime/base/librv_base.la
tests_unit_test_notify_SOURCES = tests/unit/test_notify.c
tests_unit_test_notify_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_notify_LDADD = tests/lib/libtest.la \
	runtime/wire/librv_wire.la runtime/sys/librv_sys.la \
	runtime/base/librv_base.la
tests_unit_test_page_SOURCES = tests/unit/test_page.c
tests_unit_test_page_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_page_LDADD = tests/lib/libtest.la \
	runtime/wire/librv_wire.la runtime/base/librv_base.la
