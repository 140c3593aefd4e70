# tools/demo: see its README.md
noinst_PROGRAMS += tools/demo/demo
tools_demo_demo_SOURCES = tools/demo/demo.c
EXTRA_DIST += config/quickstart.json tools/quickstart
tools_demo_demo_CPPFLAGS = -D_GNU_SOURCE
