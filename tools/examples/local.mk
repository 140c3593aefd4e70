# tools/examples: see its README.md. Nothing here is built with the rest: the
# tests build it as a stranger would, from what is installed.
exampledir = $(docdir)/examples
dist_example_DATA = tools/examples/httpd.c tools/examples/threaded.c \
	tools/examples/poll.c tools/examples/cxx.cc tools/examples/README.md

talkingdir = $(exampledir)/multiprocessing
dist_talking_DATA = \
	tools/examples/multiprocessing/README.md \
	tools/examples/multiprocessing/crawl.c \
	tools/examples/multiprocessing/daemon.c \
	tools/examples/multiprocessing/example.h \
	tools/examples/multiprocessing/hello.c \
	tools/examples/multiprocessing/links.h \
	tools/examples/multiprocessing/locked_table.c \
	tools/examples/multiprocessing/manager_client.py \
	tools/examples/multiprocessing/manager_shared.c \
	tools/examples/multiprocessing/montecarlo.c \
	tools/examples/multiprocessing/own_class.c \
	tools/examples/multiprocessing/pipe_cubes.c \
	tools/examples/multiprocessing/pool_cube.c \
	tools/examples/multiprocessing/pool_in_pool.c \
	tools/examples/multiprocessing/pool_sum.c \
	tools/examples/multiprocessing/program.h \
	tools/examples/multiprocessing/progress.h \
	tools/examples/multiprocessing/queue_cubes.c \
	tools/examples/multiprocessing/robots.h \
	tools/examples/multiprocessing/shared_sum.c \
	tools/examples/multiprocessing/thumbs.c \
	tools/examples/multiprocessing/url.h \
	tools/examples/multiprocessing/usage.h
