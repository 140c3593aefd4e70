# runtime/pool: see its README.md
noinst_LTLIBRARIES += runtime/pool/librv_pool.la
runtime_pool_librv_pool_la_SOURCES = runtime/pool/door.h \
	runtime/pool/lane.c runtime/pool/lane.h runtime/pool/lane_chunk.c \
	runtime/pool/lane_memory.c runtime/pool/lane_shared.h
# how many: processors, items of a chunk
runtime_pool_librv_pool_la_SOURCES += runtime/pool/chunks.c \
	runtime/pool/chunks.h
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
