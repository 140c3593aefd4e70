# runtime/clerk: see its README.md
pkglibexec_PROGRAMS += reeve-clerk
reeve_clerk_SOURCES = runtime/clerk/boss.c runtime/clerk/boss.h \
	runtime/clerk/clerk_main.c \
	runtime/clerk/desk.c runtime/clerk/desk.h \
	runtime/clerk/disk.c runtime/clerk/disk.h \
	runtime/clerk/drain.c runtime/clerk/drain.h \
	runtime/clerk/thrown.c runtime/clerk/thrown.h \
	runtime/clerk/floods.c runtime/clerk/floods.h \
	runtime/clerk/namer.c runtime/clerk/namer.h \
	runtime/clerk/logs.c runtime/clerk/logs.h \
	runtime/clerk/numbers.c runtime/clerk/numbers.h \
	runtime/clerk/origin.h \
	runtime/clerk/origins.c runtime/clerk/origins.h \
	runtime/clerk/pipes.c runtime/clerk/pipes.h \
	runtime/clerk/prune.c runtime/clerk/ready.c runtime/clerk/records.c \
	runtime/clerk/rows.c runtime/clerk/rows.h runtime/clerk/spool.c \
	runtime/clerk/statements.def \
	runtime/clerk/store.c runtime/clerk/store.h \
	runtime/clerk/tables.c runtime/clerk/tables.def runtime/clerk/tables.h \
	runtime/clerk/tails.c \
	runtime/clerk/traces.c runtime/clerk/traces.def \
	runtime/clerk/traces.h runtime/clerk/traces_go.c \
	runtime/clerk/traces_java.c runtime/clerk/traces_node.c \
	runtime/clerk/traces_priv.h runtime/clerk/traces_python.c
dist_man_MANS += runtime/clerk/reeve-events.7
reeve_clerk_CFLAGS = $(AM_CFLAGS) -pthread
reeve_clerk_LDADD = runtime/loop/librv_loop.la runtime/wire/librv_wire.la \
	runtime/sys/librv_sys.la runtime/core/librv_core.la \
	runtime/base/librv_base.la $(JANSSON_LIBS) $(SQLITE_LIBS) -lpthread
