# runtime/ipc: see its README.md
noinst_LTLIBRARIES += runtime/ipc/librv_ipc.la
runtime_ipc_librv_ipc_la_SOURCES = runtime/ipc/arena.c \
	runtime/ipc/barrier.c runtime/ipc/items.c runtime/ipc/memory.c \
	runtime/ipc/memory.h runtime/ipc/memory_name.c \
	runtime/ipc/bell.c runtime/ipc/condition.c runtime/ipc/flag.c \
	runtime/ipc/lock.c runtime/ipc/mutex.c runtime/ipc/mutex.h \
	runtime/ipc/places.c runtime/ipc/places.h \
	runtime/ipc/queue.c runtime/ipc/queue_bell.c \
	runtime/ipc/queue_bytes.c \
	runtime/ipc/queue_get.c runtime/ipc/queue_lease.c \
	runtime/ipc/queue_lock.c runtime/ipc/queue_put.c \
	runtime/ipc/queue_watch.c \
	runtime/ipc/queue_shared.h \
	runtime/ipc/robust.c runtime/ipc/robust.h \
	runtime/ipc/semaphore.c \
	runtime/ipc/step.h runtime/ipc/wait.c runtime/ipc/wait.h

reeveinclude_HEADERS += runtime/include/reeve/bell.h \
	runtime/include/reeve/lock.h runtime/include/reeve/memory.h \
	runtime/include/reeve/queue.h \
	runtime/include/reeve/share.h runtime/include/reeve/time.h
pkgconfig_DATA += runtime/libreeve-ipc.pc
dist_man_MANS += runtime/ipc/reeve-locks.7 \
	runtime/ipc/reeve-memory.7 runtime/ipc/reeve-queues.7
