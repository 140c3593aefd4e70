# runtime/ipc: see its README.md
noinst_LTLIBRARIES += runtime/ipc/librv_ipc.la
runtime_ipc_librv_ipc_la_SOURCES = runtime/ipc/bell.c \
	runtime/ipc/wait.c runtime/ipc/wait.h

reeveinclude_HEADERS += runtime/include/reeve/bell.h \
	runtime/include/reeve/share.h runtime/include/reeve/time.h
pkgconfig_DATA += runtime/libreeve-ipc.pc
