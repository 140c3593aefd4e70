# runtime/core: see its README.md
noinst_LTLIBRARIES += runtime/core/librv_core.la
runtime_core_librv_core_la_SOURCES = runtime/core/action.c \
	runtime/core/backoff.c runtime/core/beat.c runtime/core/command.c \
	runtime/core/core.h runtime/core/core_priv.h runtime/core/event.c \
	runtime/core/event.def runtime/core/event.h runtime/core/field.def \
	runtime/core/group.c runtime/core/guard.c runtime/core/unit_life.c \
	runtime/core/order.c runtime/core/policy.h runtime/core/post.c \
	runtime/core/reason.def runtime/core/say.c runtime/core/settle.c \
	runtime/core/state.def runtime/core/stop.c runtime/core/supervisor.c \
	runtime/core/tree.c runtime/core/unit_fsm.c runtime/core/unit_fsm.def \
	runtime/core/window.c
