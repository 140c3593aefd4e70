# tools/map: see its README.md
map_pure = tools/map/map_halt.c tools/map/map_halt.h tools/map/map_order.c \
	tools/map/map_order.h tools/map/map_plan.c tools/map/map_plan.h \
	tools/map/map_progress.c tools/map/map_progress.h \
	tools/map/map_template.c tools/map/map_template.h \
	tools/map/map_util.c tools/map/map.h tools/map/map.def \
	tools/map/map_args.c tools/map/map_cpus.c tools/reeve/cli_nearest.c \
	tools/reeve/cli_nearest.h
pkglibexec_PROGRAMS += reeve-map
reeve_map_SOURCES = $(map_pure) tools/map/map_capture.c \
	tools/map/map_function.c tools/map/map_function.h tools/map/map_give.c \
	tools/map/map_guard.c tools/map/map_input.c tools/map/map_input.h \
	tools/map/map_item.c tools/map/map_job.h tools/map/map_log.c \
	tools/map/map_log.h tools/map/map_main.c tools/map/map_out.c \
	tools/map/map_out.h tools/map/map_resume.c tools/map/map_run.c \
	tools/map/map_spawn.c tools/map/map_spawn.h tools/map/map_tell.c
reeve_map_CPPFLAGS = $(reeve_CPPFLAGS)
reeve_map_LDADD = libreeve-pool.la libreeve.la libreeve-query.la \
	$(JANSSON_LIBS)
dist_man_MANS += tools/map/reeve-map.1
