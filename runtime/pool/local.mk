# runtime/pool: see its README.md
noinst_LTLIBRARIES += runtime/pool/librv_pool.la
runtime_pool_librv_pool_la_SOURCES = runtime/pool/door.h \
	runtime/pool/lane.c runtime/pool/lane.h runtime/pool/lane_chunk.c \
	runtime/pool/lane_memory.c runtime/pool/lane_shared.h
# how many: processors, items of a chunk
runtime_pool_librv_pool_la_SOURCES += runtime/pool/chunks.c \
	runtime/pool/chunks.h runtime/pool/cpus.c runtime/pool/cpus.h \
	runtime/pool/cpus_read.c
# what is pure: which task to whom
runtime_pool_librv_pool_la_SOURCES += runtime/pool/scheduler.c \
	runtime/pool/scheduler.h runtime/pool/scheduler_priv.h \
	runtime/pool/sched_limits.c runtime/pool/sched_phase.c \
	runtime/pool/sched_rests.c runtime/pool/sched_say.c \
	runtime/pool/sched_size.c runtime/pool/sched_task.c \
	runtime/pool/sched_worker.c
# a worker's process
runtime_pool_librv_pool_la_SOURCES += runtime/pool/task_answer.c \
	runtime/pool/task_door.c runtime/pool/task_priv.h \
	runtime/pool/task_run.c runtime/pool/task_worker.c
reeveinclude_HEADERS += runtime/include/reeve/task.h
# the host's side, and the library: from roof to ground
runtime_pool_librv_pool_la_SOURCES += runtime/pool/beside.c \
	runtime/pool/beside.h runtime/pool/death.c runtime/pool/door.c \
	runtime/pool/feed.c runtime/pool/future.c runtime/pool/futures.c \
	runtime/pool/hand.c runtime/pool/hand_give.c \
	runtime/pool/here.c runtime/pool/here.h \
	runtime/pool/imap.c runtime/pool/imap_lot.c \
	runtime/pool/imap_lot.h runtime/pool/job.c \
	runtime/pool/many.c runtime/pool/own.c runtime/pool/pool.c \
	runtime/pool/pool_calls.c runtime/pool/pool_priv.h \
	runtime/pool/result.c runtime/pool/rules.c runtime/pool/sleep.c \
	runtime/pool/spill.c runtime/pool/thrown_texts.c \
	runtime/pool/units.c runtime/pool/lost.c \
	runtime/pool/home.c runtime/pool/home.h
lib_LTLIBRARIES += libreeve-pool.la
libreeve_pool_la_SOURCES =
libreeve_pool_la_LIBADD = runtime/pool/librv_pool.la \
	runtime/ipc/librv_ipc.la runtime/sys/librv_sys.la \
	runtime/base/librv_base.la libreeve.la $(JANSSON_LIBS)
libreeve_pool_la_LDFLAGS = -no-undefined -version-info 0:0:0 \
	-export-symbols-regex '^reeve_(cpus|pool|task|results|future|futures|imap)'
# pools of a config
runtime_pool_librv_pool_la_SOURCES += runtime/pool/attach.c \
	runtime/pool/attach_ask.c runtime/pool/attach_item.c \
	runtime/pool/attach_json.c runtime/pool/attach_priv.h
reeveinclude_HEADERS += runtime/include/reeve/attach.h
reeveinclude_HEADERS += runtime/include/reeve/pool.h
dist_man_MANS += runtime/pool/reeve-pool.7
pkgconfig_DATA += runtime/libreeve-pool.pc
