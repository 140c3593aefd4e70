# tests/model: see its README.md
# Built without sanitizers, which do not know processes that are put back.
rv_model_library = tests/model/libmodel.la
$(rv_model_library): override CFLAGS := \
	$(filter-out -fsanitize% -fno-sanitize%,$(CFLAGS))
check_LTLIBRARIES += tests/model/libmodel.la
tests_model_libmodel_la_SOURCES = tests/model/fiber.c tests/model/fiber.h \
	tests/model/kernel.c tests/model/kernel.h tests/model/model.c \
	tests/model/model.h tests/model/models.def tests/model/models.h \
	tests/model/models_long.def \
	tests/model/model_arena.c \
	tests/model/model_barrier.c tests/model/model_condition.c \
	tests/model/model_flag.c tests/model/model_lease.c \
	tests/model/model_lane.c tests/model/model_lock.c \
	tests/model/model_queue.c \
	tests/model/queue_scene.c tests/model/queue_scene.h \
	tests/model/model_robust.c \
	tests/model/model_semaphore.c tests/model/model_toy.c \
	runtime/ipc/barrier.c runtime/ipc/condition.c runtime/ipc/flag.c \
	runtime/ipc/lock.c runtime/ipc/places.c \
	runtime/ipc/queue_get.c runtime/ipc/queue_lock.c \
	runtime/ipc/queue_put.c runtime/ipc/semaphore.c \
	runtime/pool/lane.c
tests_model_libmodel_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests \
	-DRV_MODEL -DREEVE_PLACES_MAX=4 -DRV_WATCH_MAX=8
if HAVE_CUNIT
check_PROGRAMS += tests/model/test_models tests/model/test_long_models
TESTS += tests/model/test_models
SOAK_TESTS += tests/model/test_long_models
endif
tests_model_test_models_SOURCES = tests/model/test_models.c
tests_model_test_models_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_model_test_models_LDADD = tests/lib/libtest.la \
	tests/model/libmodel.la runtime/base/librv_base.la
tests_model_test_long_models_SOURCES = tests/model/test_models.c
tests_model_test_long_models_CPPFLAGS = $(tests_model_test_models_CPPFLAGS) \
	-DMODELS='"model/models_long.def"'
tests_model_test_long_models_LDADD = $(tests_model_test_models_LDADD)
