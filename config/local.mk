# config: see its README.md
noinst_LTLIBRARIES += config/librv_config.la
config_librv_config_la_SOURCES = config/conf_address.c config/conf_address.h \
	config/conf_arena.c config/conf_arena.h \
	config/conf_check.c config/conf_deps.c config/conf_digest.c \
	config/conf_dirs.c config/conf_doubt.c config/conf_env.c \
	config/conf_expand.c config/conf_findings.c config/conf_fixed.c \
	config/conf_function.c config/conf_identity.c \
	config/conf_listen.c \
	config/conf_look.c config/conf_merge.c config/conf_node.c \
	config/conf_node.h config/conf_policy.c config/conf_pool.c config/conf_priv.h \
	config/conf_program.c config/conf_root.c config/conf_signals.c config/conf_special.c \
	config/conf_tree.c \
	config/conf_value.c config/conf_words.c config/declare.c config/declare.h config/habit.def config/load.c config/load.h \
	config/rlimit.def config/schema.c config/schema.def config/schema.h \
	config/spec.h
EXTRA_DIST += config/examples/cache.json config/examples/cache-fpm.conf
EXTRA_DIST += config/examples/functions.json config/examples/handover.json
EXTRA_DIST += config/examples/manager.json config/examples/pool.json config/examples/shop.json
dist_man_MANS += config/reeve.conf.5
