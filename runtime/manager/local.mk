# runtime/manager: see its README.md
noinst_LTLIBRARIES += runtime/manager/librv_manager.la
runtime_manager_librv_manager_la_SOURCES = runtime/manager/answers.c \
	runtime/manager/answers.h runtime/manager/call_wire.c \
	runtime/manager/call_wire.h runtime/manager/hall.c \
	runtime/manager/hall.h runtime/manager/manager_batch.c runtime/manager/manager_client.c \
	runtime/manager/manager_client.h runtime/manager/manager_connect.c \
	runtime/manager/manager_process.c runtime/manager/marks.c \
	runtime/manager/pairs.c runtime/manager/pairs.h \
	runtime/manager/park.c runtime/manager/proxy.c \
	runtime/manager/request.c runtime/manager/manager_server.c \
	runtime/manager/server_client.c runtime/manager/server_later.c \
	runtime/manager/server_priv.h runtime/manager/server_watch.c \
	runtime/manager/settings.c runtime/manager/settings.def \
	runtime/manager/settings.h runtime/manager/server_snapshot.c \
	runtime/manager/snapshot.c runtime/manager/snapshot.h \
	runtime/manager/snapshot_read.c runtime/manager/sums.c \
	runtime/manager/sums.h runtime/manager/type_block.c runtime/manager/type_dict.c \
	runtime/manager/row.c runtime/manager/row.h \
	runtime/manager/table_methods.h runtime/manager/type_hall.c \
	runtime/manager/type_list.c runtime/manager/type_lock.c \
	runtime/manager/type_queue.c runtime/manager/type_semaphore.c \
	runtime/manager/type_set.c runtime/manager/type_value.c \
	runtime/manager/types.c \
	runtime/manager/types.def runtime/manager/types.h

lib_LTLIBRARIES += libreeve-manager.la
libreeve_manager_la_SOURCES =
libreeve_manager_la_LIBADD = runtime/manager/librv_manager.la \
	runtime/sys/librv_sys.la runtime/base/librv_base.la libreeve-ipc.la
libreeve_manager_la_LDFLAGS = -no-undefined -version-info 0:0:0 \
	-export-symbols-regex '^reeve_(manager|proxy|batch|pending|result|request)_'
reeveinclude_HEADERS += runtime/include/reeve/datum.h \
	runtime/include/reeve/manager.h
pkgconfig_DATA += runtime/libreeve-manager.pc
dist_man_MANS += runtime/manager/reeve-manager.7
