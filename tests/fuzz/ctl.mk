# What peers of the control socket say. The fuzzer knows the words of ctl.def.
check_PROGRAMS += tests/fuzz/replay_ctl
TESTS += tests/fuzz/replay_ctl
EXTRA_DIST += tests/fuzz/corpus/ctl
ctl_fuzz_sources = tests/fuzz/fuzz_ctl.c tests/fuzz/ctl_oracle.c \
	tests/fuzz/ctl_oracle.h tests/fuzz/script.c tests/fuzz/script.h \
	tests/unit/fake_super.c tests/unit/fake_super.h \
	runtime/super/named.c
ctl_fuzz_libs = runtime/ctl/librv_ctl.la runtime/start/librv_start.la \
	config/librv_config.la runtime/loop/librv_loop.la \
	runtime/wire/librv_wire.la runtime/core/librv_core.la \
	runtime/sys/librv_sys.la runtime/child/librv_child.la runtime/base/librv_base.la \
	$(JANSSON_LIBS) $(EV_LIBS)
tests_fuzz_replay_ctl_SOURCES = tests/fuzz/replay.c $(ctl_fuzz_sources)
tests_fuzz_replay_ctl_CPPFLAGS = $(FUZZ_INCLUDES) -DREPLAY_NAME='"ctl"'
tests_fuzz_replay_ctl_LDADD = $(ctl_fuzz_libs)
if FUZZERS
fuzz_targets += tests/fuzz/fuzz_ctl
noinst_PROGRAMS += tests/fuzz/fuzz_ctl
endif
tests_fuzz_fuzz_ctl_SOURCES = $(ctl_fuzz_sources)
tests_fuzz_fuzz_ctl_CPPFLAGS = $(FUZZ_INCLUDES)
tests_fuzz_fuzz_ctl_LDFLAGS = $(FUZZ_ENGINE)
tests_fuzz_fuzz_ctl_LDADD = $(ctl_fuzz_libs)
