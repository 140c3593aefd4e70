# runtime/face: see its README.md
noinst_LTLIBRARIES += runtime/face/librv_face.la
runtime_face_librv_face_la_SOURCES = runtime/face/face_config.c \
	runtime/face/face_config.h runtime/face/face_control.c \
	runtime/face/face_exception.c \
	runtime/face/face_exception.h runtime/face/face_guard.c \
	runtime/face/face_hooks.c runtime/face/face_json.c \
	runtime/face/face_pools.c \
	runtime/face/face_priv.h runtime/face/face_runtime.c \
	runtime/face/face_record.c \
	runtime/face/face_said.c runtime/face/face_source.c \
	runtime/face/face_steer.c \
	runtime/face/face_tree.c runtime/face/face_tree.h \
	runtime/face/face_unit.c runtime/face/face_watch.c

# What is installed: from roof to ground.
lib_LTLIBRARIES += libreeve.la
libreeve_la_SOURCES =
libreeve_la_LIBADD = runtime/face/librv_face.la runtime/ctl/librv_ctl.la \
	runtime/super/librv_super.la runtime/process/librv_process.la \
	runtime/start/librv_start.la \
	runtime/journal/librv_journal.la config/librv_config.la \
	runtime/loop/librv_loop.la runtime/wire/librv_wire.la \
	runtime/core/librv_core.la runtime/sys/librv_sys.la \
	runtime/child/librv_child.la runtime/base/librv_base.la $(JANSSON_LIBS) $(EV_LIBS)
# It has the handlers of a worker, too: those stay, and bind nothing when they
# run; nor does each worker that is forked.
libreeve_la_LDFLAGS = -no-undefined -version-info 0:0:0 \
	-export-symbols-regex '^reeve_' -Wl,-z,nodelete -Wl,-z,now
reeveinclude_HEADERS += runtime/include/reeve/client.h \
	runtime/include/reeve/config.h runtime/include/reeve/control.h \
	runtime/include/reeve/error.h \
	runtime/include/reeve/event.h runtime/include/reeve/loop_ev.h \
	runtime/include/reeve/loop_event.h runtime/include/reeve/loop_poll.h \
	runtime/include/reeve/loop_uv.h \
	runtime/include/reeve/pool_unit.h \
	runtime/include/reeve/query.h runtime/include/reeve/record.h \
	runtime/include/reeve/reeve.h \
	runtime/include/reeve/runtime.h runtime/include/reeve/status.def \
	runtime/include/reeve/status.h runtime/include/reeve/tree.h \
	runtime/include/reeve/watch.h
pkgconfig_DATA += runtime/libreeve.pc runtime/libreeve-child.pc \
	runtime/libreeve-query.pc
dist_man_MANS += runtime/face/libreeve.3
