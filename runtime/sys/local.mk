# runtime/sys: see its README.md
noinst_LTLIBRARIES += runtime/sys/librv_sys.la
runtime_sys_librv_sys_la_SOURCES = 
