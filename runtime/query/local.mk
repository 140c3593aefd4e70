# runtime/query: see its README.md
noinst_LTLIBRARIES += runtime/query/librv_query.la
runtime_query_librv_query_la_SOURCES = runtime/query/query_db.c \
	runtime/query/query_events.c runtime/query/query_open.c \
	runtime/query/query_priv.h runtime/query/query_rings.c \
	runtime/query/query_sql.c runtime/query/why.c runtime/query/why.h \
	runtime/query/why_end.c runtime/query/why_exceptions.c \
	runtime/query/why_facts.c \
	runtime/query/why_json.c runtime/query/why_limits.c \
	runtime/query/why_names.c runtime/query/why_stacks.c \
	runtime/query/why_task.c runtime/query/why_text.c \
	runtime/query/why_then.c

# Installed: from roof to ground.
lib_LTLIBRARIES += libreeve-query.la
libreeve_query_la_SOURCES =
libreeve_query_la_LIBADD = runtime/query/librv_query.la \
	runtime/wire/librv_wire.la runtime/core/librv_core.la \
	runtime/sys/librv_sys.la runtime/base/librv_base.la \
	$(JANSSON_LIBS) $(SQLITE_LIBS)
libreeve_query_la_LDFLAGS = -no-undefined -version-info 0:0:0 \
	-export-symbols-regex '^reeve_log_'
