# runtime/wire: see its README.md
noinst_LTLIBRARIES += runtime/wire/librv_wire.la
runtime_wire_librv_wire_la_SOURCES = \
	runtime/wire/backtrace.c runtime/wire/backtrace.h \
	runtime/wire/crash.def \
	runtime/wire/clerk.c runtime/wire/clerk.def runtime/wire/clerk.h \
	runtime/wire/death.h \
	runtime/wire/json.c runtime/wire/json.h \
	runtime/wire/launch.c runtime/wire/launch.def runtime/wire/launch.h \
	runtime/wire/notify.c runtime/wire/notify.h \
	runtime/wire/output.c runtime/wire/output.def runtime/wire/output.h \
	runtime/wire/pack.c runtime/wire/pack.h \
	runtime/wire/packet.c runtime/wire/packet.h \
	runtime/wire/page_read.c runtime/wire/page_read.h \
	runtime/wire/record.c runtime/wire/record.h \
	runtime/wire/ring.c runtime/wire/ring.h \
	runtime/wire/trouble_text.c runtime/wire/trouble_text.h
