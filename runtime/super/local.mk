# runtime/super: see its README.md
noinst_LTLIBRARIES += runtime/super/librv_super.la
runtime_super_librv_super_la_SOURCES = 
