# runtime/loop: see its README.md
noinst_LTLIBRARIES += runtime/loop/librv_loop.la
runtime_loop_librv_loop_la_SOURCES = runtime/loop/heap.c runtime/loop/loop.c \
	runtime/loop/loop.h runtime/loop/loop_epoll.c runtime/loop/loop_ev.c \
	runtime/loop/loop_post.c runtime/loop/loop_priv.h
