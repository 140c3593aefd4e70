# tests of ctl, on a runtime without processes
if HAVE_CUNIT
check_PROGRAMS += tests/unit/test_ctl tests/unit/test_ctl_manual \
	tests/unit/test_ctl_host
TESTS += tests/unit/test_ctl tests/unit/test_ctl_manual \
	tests/unit/test_ctl_host
endif
tests_unit_test_ctl_SOURCES = tests/unit/test_ctl.c tests/unit/ctl_rig.c \
	tests/unit/ctl_rig.h tests/unit/fake_super.c tests/unit/fake_super.h \
	runtime/super/named.c
tests_unit_test_ctl_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_ctl_LDADD = tests/lib/libtest.la runtime/ctl/librv_ctl.la \
	runtime/start/librv_start.la config/librv_config.la \
	runtime/loop/librv_loop.la runtime/wire/librv_wire.la \
	runtime/core/librv_core.la runtime/sys/librv_sys.la runtime/child/librv_child.la \
	runtime/base/librv_base.la $(JANSSON_LIBS) $(EV_LIBS)
tests_unit_test_ctl_manual_SOURCES = tests/unit/test_ctl_manual.c \
	tests/unit/fake_super.c tests/unit/fake_super.h \
	runtime/super/named.c
tests_unit_test_ctl_manual_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_ctl_manual_LDADD = $(tests_unit_test_ctl_LDADD)
tests_unit_test_ctl_host_SOURCES = tests/unit/test_ctl_host.c \
	tests/unit/ctl_rig.c tests/unit/ctl_rig.h tests/unit/fake_super.c \
	tests/unit/fake_super.h runtime/super/named.c
tests_unit_test_ctl_host_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_ctl_host_LDADD = $(tests_unit_test_ctl_LDADD)
