# tools/examples: see its README.md. Nothing here is built with the rest: the
# tests build it as a stranger would, from what is installed.
exampledir = $(docdir)/examples
dist_example_DATA = tools/examples/httpd.c tools/examples/threaded.c \
	tools/examples/poll.c tools/examples/cxx.cc tools/examples/README.md

talkingdir = $(exampledir)/multiprocessing
dist_talking_DATA = \
	tools/examples/multiprocessing/README.md \
	tools/examples/multiprocessing/daemon.c \
	tools/examples/multiprocessing/example.h \
	tools/examples/multiprocessing/hello.c \
	tools/examples/multiprocessing/locked_table.c \
	tools/examples/multiprocessing/manager_client.py \
	tools/examples/multiprocessing/own_class.c \
	tools/examples/multiprocessing/pipe_cubes.c \
	tools/examples/multiprocessing/queue_cubes.c \
	tools/examples/multiprocessing/shared_sum.c
