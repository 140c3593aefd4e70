# tests/bench: see its README.md
bench_programs = tests/bench/bench_record tests/bench/bench_clerk \
	tests/bench/bench_crash tests/bench/bench_restart \
	tests/bench/bench_boot tests/bench/bench_turn tests/bench/bench_host \
	tests/bench/bench_conn tests/bench/bench_capture tests/bench/bench_beat \
	tests/bench/bench_functions tests/bench/bench_process tests/bench/bench_queue \
	tests/bench/bench_locks tests/bench/bench_manager tests/bench/bench_map \
	tests/bench/bench_pool tests/bench/bench_lane
bench_programs += tests/bench/bench_pool_scheduler
EXTRA_PROGRAMS = $(bench_programs) tests/bench/bench_worker \
	tests/bench/bench_fork
EXTRA_DIST += tests/bench/bench_manager.py tests/bench/bench_conn.py tests/bench/bench_pool.py tests/bench/bench_process.py tests/bench/bench_start.py tests/bench/bench_queue.py
CLEANFILES += $(EXTRA_PROGRAMS)
bench_common = tests/bench/bench.c tests/bench/bench.h
bench_raw = tests/bench/bench_raw.c tests/bench/bench_raw.h
bench_cppflags = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_bench_bench_pool_scheduler_SOURCES = tests/bench/bench_pool_scheduler.c \
	$(bench_common)
tests_bench_bench_pool_scheduler_CPPFLAGS = $(bench_cppflags)
tests_bench_bench_pool_scheduler_LDADD = runtime/pool/librv_pool.la \
	runtime/base/librv_base.la
tests_bench_bench_worker_SOURCES = tests/bench/bench_worker.c $(bench_common)
tests_bench_bench_worker_CPPFLAGS = $(bench_cppflags)
tests_bench_bench_crash_SOURCES = tests/bench/bench_crash.c $(bench_common)
tests_bench_bench_crash_CPPFLAGS = $(bench_cppflags)
tests_bench_bench_crash_LDADD = $(SQLITE_LIBS)
tests_bench_bench_restart_SOURCES = tests/bench/bench_restart.c $(bench_common) $(bench_raw)
tests_bench_bench_restart_CPPFLAGS = $(bench_cppflags)
tests_bench_bench_boot_SOURCES = tests/bench/bench_boot.c $(bench_common) $(bench_raw)
tests_bench_bench_boot_CPPFLAGS = $(bench_cppflags)
tests_bench_bench_boot_LDADD = $(SQLITE_LIBS)
tests_bench_bench_turn_SOURCES = tests/bench/bench_turn.c $(bench_common)
tests_bench_bench_turn_CPPFLAGS = $(bench_cppflags)
tests_bench_bench_turn_LDADD = libreeve.la
tests_bench_bench_host_SOURCES = tests/bench/bench_host.c \
	tests/bench/bench_parts.c $(bench_common)
tests_bench_bench_host_CPPFLAGS = $(bench_cppflags)
tests_bench_bench_host_LDADD = libreeve.la
tests_bench_bench_functions_SOURCES = tests/bench/bench_functions.c $(bench_common)
tests_bench_bench_functions_CPPFLAGS = $(bench_cppflags)
tests_bench_bench_functions_LDADD = libreeve.la
# Its functions read the clock first: that is not to wait for the linker, as it
# does not in the child of a bare fork, whose parent has read it before.
tests_bench_bench_functions_LDFLAGS = -Wl,-z,now
tests_bench_bench_process_SOURCES = tests/bench/bench_process.c $(bench_common)
tests_bench_bench_process_CPPFLAGS = $(bench_cppflags)
tests_bench_bench_process_LDADD = libreeve.la
tests_bench_bench_process_LDFLAGS = -Wl,-z,now
tests_bench_bench_fork_SOURCES = tests/bench/bench_fork.c $(bench_common)
tests_bench_bench_fork_CPPFLAGS = $(bench_cppflags)
tests_bench_bench_fork_LDFLAGS = -Wl,-z,now
tests_bench_bench_capture_SOURCES = tests/bench/bench_capture.c $(bench_common)
tests_bench_bench_capture_CPPFLAGS = $(bench_cppflags)
tests_bench_bench_conn_SOURCES = tests/bench/bench_conn.c $(bench_common)
tests_bench_bench_conn_CPPFLAGS = $(bench_cppflags)
tests_bench_bench_conn_LDADD = libreeve-ipc.la
tests_bench_bench_record_SOURCES = tests/bench/bench_record.c $(bench_common)
tests_bench_bench_record_CPPFLAGS = $(bench_cppflags)
tests_bench_bench_record_LDADD = runtime/journal/librv_journal.la \
	runtime/loop/librv_loop.la runtime/wire/librv_wire.la \
	runtime/sys/librv_sys.la runtime/core/librv_core.la \
	runtime/base/librv_base.la $(EV_LIBS)
tests_bench_bench_clerk_SOURCES = tests/bench/bench_clerk.c $(bench_common)
tests_bench_bench_clerk_CPPFLAGS = $(bench_cppflags)
tests_bench_bench_clerk_LDADD = $(tests_bench_bench_record_LDADD) $(SQLITE_LIBS)
tests_bench_bench_beat_SOURCES = tests/bench/bench_beat.c $(bench_common)
tests_bench_bench_beat_CPPFLAGS = $(bench_cppflags)
tests_bench_bench_beat_LDADD = libreeve-child.la \
	runtime/wire/librv_wire.la runtime/sys/librv_sys.la \
	runtime/base/librv_base.la
tests_bench_bench_locks_SOURCES = tests/bench/bench_locks.c $(bench_common)
tests_bench_bench_locks_CPPFLAGS = $(bench_cppflags)
tests_bench_bench_locks_LDADD = libreeve-ipc.la
tests_bench_bench_manager_SOURCES = tests/bench/bench_manager.c $(bench_common)
tests_bench_bench_manager_CPPFLAGS = $(bench_cppflags)
tests_bench_bench_manager_LDADD = libreeve-manager.la libreeve-ipc.la libreeve.la
tests_bench_bench_map_SOURCES = tests/bench/bench_map.c $(bench_common)
tests_bench_bench_map_CPPFLAGS = $(bench_cppflags)
tests_bench_bench_queue_SOURCES = tests/bench/bench_queue.c \
	tests/bench/bench_ring.h $(bench_common)
tests_bench_bench_queue_CPPFLAGS = $(bench_cppflags) $(ZMQ_CFLAGS)
tests_bench_bench_queue_LDADD = libreeve-ipc.la $(ZMQ_LIBS)

# Every figure beside a raw loop; `make bench`, then read the ratios.
bench: $(EXTRA_PROGRAMS) reeve reeve-map reeve-launcher reeve-clerk
	@for program in $(bench_programs); do \
		REEVE_LIBEXEC='$(abs_top_builddir)' \
		REEVE_BENCH_SOURCES='$(abs_top_srcdir)/tests/bench' ./$$program || failed=yes; \
	done; test -z "$$failed"
.PHONY: bench
tests_bench_bench_pool_SOURCES = tests/bench/bench_pool.c $(bench_common) \
	tests/bench/bench_ring.h
tests_bench_bench_pool_CPPFLAGS = $(bench_cppflags)
tests_bench_bench_pool_LDADD = libreeve-pool.la libreeve.la
tests_bench_bench_lane_SOURCES = tests/bench/bench_lane.c \
	tests/bench/bench_ring.h $(bench_common)
tests_bench_bench_lane_CPPFLAGS = $(bench_cppflags)
tests_bench_bench_lane_LDADD = runtime/pool/librv_pool.la \
	runtime/ipc/librv_ipc.la runtime/sys/librv_sys.la \
	runtime/base/librv_base.la
