# tools/reeve: see its README.md
bin_PROGRAMS += reeve
reeve_SOURCES = tools/reeve/cli.h tools/reeve/cli_ask.c \
	tools/reeve/cli_event.c \
	tools/reeve/cli_find.c tools/reeve/cli_main.c tools/reeve/cli_nearest.c \
	tools/reeve/cli_nearest.h tools/reeve/cli_out.c \
	tools/reeve/cli_seek.c tools/reeve/options.def tools/reeve/verb_check.c \
	tools/reeve/verb_control.c tools/reeve/verb_events.c \
	tools/reeve/verb_help.c tools/reeve/verb_log.c \
	tools/reeve/verb_map.c tools/reeve/verb_run.c \
	tools/reeve/verb_status.c tools/reeve/verb_submit.c \
	tools/reeve/verb_tail.c tools/reeve/verbs.def
reeve_CPPFLAGS = -I$(top_srcdir)/runtime/include -I$(top_srcdir) -D_GNU_SOURCE \
	-DREEVE_LIBEXECDIR='"$(pkglibexecdir)"'
reeve_LDADD = libreeve.la libreeve-query.la $(JANSSON_LIBS)

pkglibexec_PROGRAMS += reeve-run
reeve_run_SOURCES = tools/reeve/cli.h tools/reeve/cli_out.c \
	tools/reeve/options.def tools/reeve/run_main.c tools/reeve/run_out.c \
	tools/reeve/run_out.h tools/reeve/run_tree.c
reeve_run_CPPFLAGS = $(reeve_CPPFLAGS)
reeve_run_LDADD = libreeve-pool.la libreeve.la $(JANSSON_LIBS)

dist_man_MANS += tools/reeve/reeve.1
# Found by its name with .bash, too.
bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = tools/reeve/reeve.bash
# To be copied by whoever wants it: not every machine has systemd.
dist_doc_DATA = tools/reeve/reeve@.service
