# runtime/pool: see its README.md
noinst_LTLIBRARIES += runtime/pool/librv_pool.la
runtime_pool_librv_pool_la_SOURCES = runtime/pool/door.h \
	runtime/pool/lane.c runtime/pool/lane.h runtime/pool/lane_chunk.c \
	runtime/pool/lane_memory.c runtime/pool/lane_shared.h
