# tests/fuzz: see its README.md. Each target has a fragment, NAME.mk, that makes
# two programs: replay_NAME, run by make check over corpus/NAME, and, in a build
# with --enable-fuzzers, fuzz_NAME, run by make check-fuzz.
fuzz_targets =
FUZZ_INCLUDES = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
FUZZ_ENGINE = -fsanitize=fuzzer
FUZZ_SECONDS = 60
EXTRA_DIST += tests/fuzz/fuzz

check-fuzz: $(fuzz_targets)
if FUZZERS
	$(AM_TESTS_ENVIRONMENT) FUZZ_SECONDS='$(FUZZ_SECONDS)' \
	$(SHELL) $(top_srcdir)/tests/fuzz/fuzz $(fuzz_targets)
else
	$(top_srcdir)/tools/dev/build fuzz check-fuzz FUZZ_SECONDS='$(FUZZ_SECONDS)'
endif
.PHONY: check-fuzz

include tests/fuzz/backtrace.mk
include tests/fuzz/core.mk
include tests/fuzz/clerk.mk
include tests/fuzz/client.mk
include tests/fuzz/config.mk
include tests/fuzz/conn.mk
include tests/fuzz/ctl.mk
include tests/fuzz/guard.mk
include tests/fuzz/lane.mk
include tests/fuzz/launch.mk
include tests/fuzz/manager.mk
include tests/fuzz/module.mk
include tests/fuzz/page.mk
include tests/fuzz/ring.mk
include tests/fuzz/text.mk
include tests/fuzz/tls.mk
include tests/fuzz/traces.mk
