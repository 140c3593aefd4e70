# runtime/base: see its README.md
noinst_LTLIBRARIES += runtime/base/librv_base.la
runtime_base_librv_base_la_SOURCES = runtime/base/alloc.c runtime/base/alloc.h runtime/base/base.h \
	runtime/base/buf.c runtime/base/buf.h runtime/base/crc.c runtime/base/crc.h \
	runtime/base/errno.def runtime/base/error.c runtime/base/error.h runtime/base/fault.c \
	runtime/base/fault.def runtime/base/fault.h runtime/base/hash.c \
	runtime/base/hash.h runtime/base/jsonw.c runtime/base/jsonw.h \
	runtime/base/list.h runtime/base/names.c runtime/base/panic.c \
	runtime/base/room.c runtime/base/room.h runtime/base/signal.def runtime/base/status.c \
	runtime/base/text.c runtime/base/text.h runtime/base/time.c runtime/base/time.h
