# Tests of runtime/pool.
rv_pool_tests = tests/unit/test_pool_astray tests/unit/test_pool_chunk \
	tests/unit/test_pool_items \
	tests/unit/test_pool_lane tests/unit/test_pool_worker
if HAVE_CUNIT
check_PROGRAMS += $(rv_pool_tests)
TESTS += $(rv_pool_tests)
endif
rv_pool_libs = tests/lib/libtest.la runtime/pool/librv_pool.la \
	runtime/ipc/librv_ipc.la runtime/sys/librv_sys.la \
	runtime/base/librv_base.la
tests_unit_test_pool_chunk_SOURCES = tests/unit/test_pool_chunk.c \
	tests/unit/lane_rig.h
tests_unit_test_pool_chunk_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_pool_chunk_LDADD = $(rv_pool_libs)
tests_unit_test_pool_lane_SOURCES = tests/unit/test_pool_lane.c \
	tests/unit/lane_rig.h
tests_unit_test_pool_lane_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_pool_lane_LDADD = $(rv_pool_libs)
rv_worker_rig = tests/unit/worker_rig.c tests/unit/worker_rig.h
rv_worker_libs = tests/lib/libtest.la runtime/pool/librv_pool.la \
	runtime/child/librv_child.la runtime/ipc/librv_ipc.la \
	runtime/sys/librv_sys.la runtime/base/librv_base.la
tests_unit_test_pool_worker_SOURCES = tests/unit/test_pool_worker.c \
	$(rv_worker_rig)
tests_unit_test_pool_worker_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_pool_worker_LDADD = $(rv_worker_libs)
tests_unit_test_pool_items_SOURCES = tests/unit/test_pool_items.c \
	$(rv_worker_rig)
tests_unit_test_pool_items_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_pool_items_LDADD = $(rv_worker_libs)
tests_unit_test_pool_astray_SOURCES = tests/unit/test_pool_astray.c \
	$(rv_worker_rig)
tests_unit_test_pool_astray_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_pool_astray_LDADD = $(rv_worker_libs)
