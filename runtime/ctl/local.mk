# runtime/ctl: see its README.md
noinst_LTLIBRARIES += runtime/ctl/librv_ctl.la
runtime_ctl_librv_ctl_la_SOURCES = runtime/ctl/client.c \
	runtime/ctl/client_answer.c runtime/ctl/client_call.c \
	runtime/ctl/client_line.c runtime/ctl/client_method.c \
	runtime/ctl/client_priv.h runtime/ctl/client_submit.c \
	runtime/ctl/ctl.c runtime/ctl/ctl.def \
	runtime/ctl/ctl.h runtime/ctl/ctl_address.c \
	runtime/ctl/ctl_address.h runtime/ctl/ctl_call.c \
	runtime/ctl/ctl_client.c runtime/ctl/ctl_host.c \
	runtime/ctl/ctl_command.c runtime/ctl/ctl_events.c \
	runtime/ctl/ctl_info.c runtime/ctl/ctl_judge.c \
	runtime/ctl/ctl_listen.c runtime/ctl/ctl_names.c \
	runtime/ctl/ctl_params.c runtime/ctl/ctl_priv.h \
	runtime/ctl/ctl_reload.c runtime/ctl/ctl_reply.c runtime/ctl/ctl_request.c \
	runtime/ctl/ctl_status.c runtime/ctl/ctl_sync.c \
	runtime/ctl/ctl_table.c runtime/ctl/ctl_wait.c
dist_man_MANS += runtime/ctl/reeve-control.7
