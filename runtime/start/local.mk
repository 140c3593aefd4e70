# runtime/start: see its README.md
noinst_LTLIBRARIES += runtime/start/librv_start.la
runtime_start_librv_start_la_SOURCES = 
