# runtime/sharedpool: see its README.md
noinst_LTLIBRARIES += runtime/sharedpool/librv_sharedpool.la
runtime_sharedpool_librv_sharedpool_la_SOURCES = \
	runtime/sharedpool/shared_answer.c runtime/sharedpool/shared_job.c \
	runtime/sharedpool/shared_map.c runtime/sharedpool/shared_options.c \
	runtime/sharedpool/shared_priv.h runtime/sharedpool/shared_task.c \
	runtime/sharedpool/shared_type.c runtime/sharedpool/shared_whole.c
lib_LTLIBRARIES += libreeve-sharedpool.la
libreeve_sharedpool_la_SOURCES =
libreeve_sharedpool_la_LIBADD = runtime/sharedpool/librv_sharedpool.la \
	runtime/base/librv_base.la libreeve-manager.la libreeve-pool.la \
	$(JANSSON_LIBS)
libreeve_sharedpool_la_LDFLAGS = -no-undefined -version-info 0:0:0 \
	-export-symbols-regex '^reeve_sharedpool_'
reeveinclude_HEADERS += runtime/include/reeve/sharedpool.h
pkgconfig_DATA += runtime/libreeve-sharedpool.pc
