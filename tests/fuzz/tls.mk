# Greetings by certificates, and who sits on the wire.
if OPENSSL
check_PROGRAMS += tests/fuzz/replay_tls
TESTS += tests/fuzz/replay_tls
endif
EXTRA_DIST += tests/fuzz/corpus/tls
tls_fuzz_libs = runtime/net/librv_net.la runtime/conn/librv_conn.la \
	runtime/ipc/librv_ipc.la runtime/sys/librv_sys.la \
	runtime/base/librv_base.la $(OPENSSL_LIBS)
tests_fuzz_replay_tls_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_tls.c tests/fuzz/fuzz_fds.h
tests_fuzz_replay_tls_CPPFLAGS = $(FUZZ_INCLUDES) -DREPLAY_NAME='"tls"'
tests_fuzz_replay_tls_LDADD = $(tls_fuzz_libs)
if FUZZERS
if OPENSSL
fuzz_targets += tests/fuzz/fuzz_tls
noinst_PROGRAMS += tests/fuzz/fuzz_tls
endif
endif
tests_fuzz_fuzz_tls_SOURCES = tests/fuzz/fuzz_tls.c tests/fuzz/fuzz_fds.h
tests_fuzz_fuzz_tls_CPPFLAGS = $(FUZZ_INCLUDES)
tests_fuzz_fuzz_tls_LDFLAGS = $(FUZZ_ENGINE)
tests_fuzz_fuzz_tls_LDADD = $(tls_fuzz_libs)
