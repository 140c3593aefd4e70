# runtime/ctl: see its README.md
noinst_LTLIBRARIES += runtime/ctl/librv_ctl.la
runtime_ctl_librv_ctl_la_SOURCES = 
