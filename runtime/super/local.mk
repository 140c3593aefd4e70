# runtime/super: see its README.md
noinst_LTLIBRARIES += runtime/super/librv_super.la
runtime_super_librv_super_la_SOURCES = runtime/super/act.c \
	runtime/super/exceptions.c \
	runtime/super/exceptions.h runtime/super/facts.c \
	runtime/super/helpers.c runtime/super/holder.c \
	runtime/super/holder.h runtime/super/info.c \
	runtime/super/listeners.c runtime/super/listeners.h \
	runtime/super/named.c runtime/super/named.h \
	runtime/super/node.c runtime/super/notice.c runtime/super/ops.c \
	runtime/super/overlap.c runtime/super/overlap.h \
	runtime/super/pages.c runtime/super/pages.h \
	runtime/super/place.c runtime/super/reconcile.c \
	runtime/super/reconcile.h runtime/super/super_record.c \
	runtime/super/reload.c runtime/super/sealing.c \
	runtime/super/sealing.h runtime/super/signals.c runtime/super/swap.c \
	runtime/super/taken.c runtime/super/taken.h \
	runtime/super/super.c runtime/super/super.h \
	runtime/super/super_priv.h
