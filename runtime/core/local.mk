# runtime/core: see its README.md
noinst_LTLIBRARIES += runtime/core/librv_core.la
runtime_core_librv_core_la_SOURCES = runtime/core/event.c runtime/core/event.h
