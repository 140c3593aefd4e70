# runtime/ipc: see its README.md
noinst_LTLIBRARIES += runtime/ipc/librv_ipc.la
runtime_ipc_librv_ipc_la_SOURCES = runtime/ipc/bell.c \
	runtime/ipc/wait.c runtime/ipc/wait.h

# What is installed: from roof to ground.
lib_LTLIBRARIES += libreeve-ipc.la
libreeve_ipc_la_SOURCES =
libreeve_ipc_la_LIBADD = runtime/ipc/librv_ipc.la runtime/sys/librv_sys.la \
	runtime/base/librv_base.la
libreeve_ipc_la_LDFLAGS = -no-undefined -version-info 0:0:0 \
	-export-symbols-regex '^reeve_'
reeveinclude_HEADERS += runtime/include/reeve/bell.h \
	runtime/include/reeve/share.h runtime/include/reeve/time.h
pkgconfig_DATA += runtime/libreeve-ipc.pc
