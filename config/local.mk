# config: see its README.md
noinst_LTLIBRARIES += config/librv_config.la
config_librv_config_la_SOURCES = 
