# tools/examples: see its README.md. Nothing here is built with the rest: the
# tests build it as a stranger would, from what is installed.
exampledir = $(docdir)/examples
dist_example_DATA = tools/examples/httpd.c tools/examples/threaded.c \
	tools/examples/poll.c tools/examples/cxx.cc tools/examples/README.md
