# runtime/child: see its README.md
# The agent by itself is what the preload library is made of.
noinst_LTLIBRARIES += runtime/child/libagent.la runtime/child/librv_child.la
runtime_child_libagent_la_SOURCES = \
	runtime/child/agent.c runtime/child/agent.h runtime/child/agent_fd.c \
	runtime/child/altstack.c runtime/child/altstack.h \
	runtime/child/crash.c runtime/child/crash.h \
	runtime/child/frames.c runtime/child/frames.h runtime/child/maps.c \
	runtime/child/raise.c runtime/child/regs.def runtime/child/stopping.c \
	runtime/child/threads.c runtime/child/trouble.c \
	runtime/child/trouble.h runtime/child/worker.c
runtime_child_librv_child_la_LIBADD = runtime/child/libagent.la
runtime_child_librv_child_la_SOURCES = \
	runtime/child/call.c runtime/child/call.h \
	runtime/child/enter.c runtime/child/enter.h \
	runtime/child/forker.c runtime/child/forker.h \
	runtime/child/function.c runtime/child/lifeline.h \
	runtime/child/main.c \
	runtime/child/page.h runtime/child/parts.c runtime/child/raw.h \
	runtime/child/run.c runtime/child/run.h \
	runtime/child/saying.c runtime/child/self.c \
	runtime/child/stage.def runtime/child/stage.h

lib_LTLIBRARIES += libreeve-child.la
libreeve_child_la_SOURCES =
libreeve_child_la_LIBADD = runtime/child/librv_child.la
libreeve_child_la_LDFLAGS = -no-undefined -version-info 0:0:0 \
	-export-symbols-regex '^reeve_' -Wl,-z,nodelete -Wl,-z,now
reeveinclude_HEADERS += runtime/include/reeve/child.h \
	runtime/include/reeve/function.h \
	runtime/include/reeve/self.h
dist_man_MANS += runtime/child/libreeve-child.3 \
	runtime/child/reeve-functions.7

# For LD_PRELOAD; found beside the launcher, installed or not.
crashdir = $(pkglibexecdir)
crash_LTLIBRARIES = libreeve-crash.la
libreeve_crash_la_SOURCES = runtime/child/preload.c \
	runtime/child/preload.h runtime/child/preload_exec.c
libreeve_crash_la_LIBADD = runtime/child/libagent.la
libreeve_crash_la_LDFLAGS = -no-undefined -module -avoid-version -shared \
	-export-symbols-regex '^(rv_crash_page|pthread_create|f?exec[lv][a-z]*)$$' \
	-Wl,-z,nodelete -Wl,-z,now
noinst_DATA += libreeve-crash.so
CLEANFILES += libreeve-crash.so
libreeve-crash.so: libreeve-crash.la
	$(AM_V_GEN)rm -f $@ && $(LN_S) .libs/$@ $@

# All of it is in there, for modules that call it.
pkglibexec_PROGRAMS += reeve-worker
reeve_worker_SOURCES = runtime/child/worker_main.c \
	$(runtime_child_libagent_la_SOURCES) \
	$(runtime_child_librv_child_la_SOURCES)
reeve_worker_CFLAGS = $(AM_CFLAGS)
reeve_worker_LDFLAGS = -Wl,--export-dynamic
