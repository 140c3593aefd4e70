# runtime/process: see its README.md
noinst_LTLIBRARIES += runtime/process/librv_process.la
runtime_process_librv_process_la_SOURCES = runtime/process/context.c \
	runtime/process/context_door.c runtime/process/context_lives.c \
	runtime/process/context_news.c runtime/process/context_place.c \
	runtime/process/process.c runtime/process/process_end.c \
	runtime/process/process_give.c runtime/process/process_plan.c \
	runtime/process/process_priv.h
reeveinclude_HEADERS += runtime/include/reeve/process.h
dist_man_MANS += runtime/process/reeve-processes.7
