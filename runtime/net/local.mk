# runtime/net: see its README.md
if OPENSSL
noinst_LTLIBRARIES += runtime/net/librv_net.la
lib_LTLIBRARIES += libreeve-net.la
reeveinclude_HEADERS += runtime/include/reeve/net.h
pkgconfig_DATA += runtime/libreeve-net.pc
endif
EXTRA_DIST += runtime/include/reeve/net.h
runtime_net_librv_net_la_SOURCES = runtime/net/guards.c runtime/net/key.c \
	runtime/net/net_priv.h runtime/net/tls.c
runtime_net_librv_net_la_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
libreeve_net_la_SOURCES =
libreeve_net_la_LIBADD = runtime/net/librv_net.la runtime/sys/librv_sys.la \
	runtime/base/librv_base.la $(OPENSSL_LIBS)
libreeve_net_la_LDFLAGS = -no-undefined -version-info 0:0:0 \
	-export-symbols-regex '^reeve_guard_'
