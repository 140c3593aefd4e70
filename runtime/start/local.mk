# runtime/start: see its README.md
noinst_LTLIBRARIES += runtime/start/librv_start.la
runtime_start_librv_start_la_SOURCES = runtime/start/ask.c \
	runtime/start/describe.c runtime/start/functions.c runtime/start/lives.c runtime/start/reports.c \
	runtime/start/start.c runtime/start/start.h runtime/start/start_priv.h
