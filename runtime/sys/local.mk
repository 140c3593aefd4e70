# runtime/sys: see its README.md
noinst_LTLIBRARIES += runtime/sys/librv_sys.la
runtime_sys_librv_sys_la_SOURCES = runtime/sys/calls.c runtime/sys/clock.c \
	runtime/sys/copy.c runtime/sys/helper.c runtime/sys/nest.c runtime/sys/nest.h \
	runtime/sys/pidfd.c runtime/sys/proc.c \
	runtime/sys/sys.h
