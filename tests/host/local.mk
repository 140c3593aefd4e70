# tests/host: see its README.md
host_guest = tests/host/guest.c tests/host/guest.h
host_cppflags = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
host_libs = libreeve.la tests/lib/libtest.la
if HAVE_CUNIT
check_PROGRAMS += tests/host/test_host tests/host/test_loops
check_PROGRAMS += tests/host/test_post
TESTS += tests/host/test_host tests/host/test_loops tests/host/test_post
endif
tests_host_test_host_SOURCES = tests/host/test_host.c $(host_guest)
tests_host_test_host_CPPFLAGS = $(host_cppflags)
tests_host_test_host_LDADD = $(host_libs) $(EV_LIBS)
tests_host_test_loops_SOURCES = tests/host/test_loops.c $(host_guest)
tests_host_test_loops_CPPFLAGS = $(host_cppflags) $(EVENT_CFLAGS) $(UV_CFLAGS)
# libevent first: libev, too, has functions of its names.
tests_host_test_loops_LDADD = $(EVENT_LIBS) $(host_libs) $(EV_LIBS) $(UV_LIBS)
tests_host_test_post_SOURCES = tests/host/test_post.c $(host_guest)
tests_host_test_post_CPPFLAGS = $(host_cppflags)
tests_host_test_post_LDADD = $(host_libs) -lpthread
if HAVE_CUNIT
check_PROGRAMS += tests/host/test_control
TESTS += tests/host/test_control
endif
tests_host_test_control_SOURCES = tests/host/test_control.c $(host_guest)
tests_host_test_control_CPPFLAGS = $(host_cppflags)
tests_host_test_control_LDADD = $(host_libs)
if HAVE_CUNIT
check_PROGRAMS += tests/host/test_pool_unit
TESTS += tests/host/test_pool_unit
endif
tests_host_test_pool_unit_SOURCES = tests/host/test_pool_unit.c $(host_guest)
tests_host_test_pool_unit_CPPFLAGS = $(host_cppflags)
tests_host_test_pool_unit_LDADD = $(host_libs)
if HAVE_CUNIT
check_PROGRAMS += tests/host/test_build
TESTS += tests/host/test_build
endif
tests_host_test_build_SOURCES = tests/host/test_build.c $(host_guest)
tests_host_test_build_CPPFLAGS = $(host_cppflags)
tests_host_test_build_LDADD = $(host_libs)
if HAVE_CUNIT
check_PROGRAMS += tests/host/test_misuse
TESTS += tests/host/test_misuse
endif
tests_host_test_misuse_SOURCES = tests/host/test_misuse.c \
	tests/host/misuse.h tests/host/misuse_control.c \
	tests/host/misuse_others.c $(host_guest)
tests_host_test_misuse_CPPFLAGS = $(host_cppflags)
tests_host_test_misuse_LDADD = libreeve-query.la $(host_libs)
TESTS += tests/host/test_outside
EXTRA_DIST += tests/host/test_outside tests/host/outside.cc
if HAVE_CUNIT
check_PROGRAMS += tests/host/test_manners
TESTS += tests/host/test_manners
endif
tests_host_test_manners_SOURCES = tests/host/test_manners.c $(host_guest)
tests_host_test_manners_CPPFLAGS = $(host_cppflags)
tests_host_test_manners_LDADD = $(host_libs) $(EV_LIBS)
TESTS += tests/host/test_examples
EXTRA_DIST += tests/host/test_examples tests/host/examples.sh \
	tests/host/talking.sh
check_PROGRAMS += tests/host/http_client
tests_host_http_client_SOURCES = tests/host/http_client.c
tests_host_http_client_CPPFLAGS = -D_GNU_SOURCE
if HAVE_CUNIT
check_PROGRAMS += tests/host/test_called_host
TESTS += tests/host/test_called_host
endif
called_sources = tests/host/called.c tests/host/called.h $(host_guest)
tests_host_test_called_host_SOURCES = tests/host/test_called_host.c \
	$(called_sources)
tests_host_test_called_host_CPPFLAGS = $(host_cppflags)
tests_host_test_called_host_LDADD = $(host_libs)
if HAVE_CUNIT
check_PROGRAMS += tests/host/test_replaced
TESTS += tests/host/test_replaced
endif
tests_host_test_replaced_SOURCES = tests/host/test_replaced.c \
	$(called_sources)
tests_host_test_replaced_CPPFLAGS = $(host_cppflags)
tests_host_test_replaced_LDADD = $(host_libs)
if HAVE_CUNIT
check_PROGRAMS += tests/host/test_sealed
TESTS += tests/host/test_sealed
endif
tests_host_test_sealed_SOURCES = tests/host/test_sealed.c $(called_sources)
tests_host_test_sealed_CPPFLAGS = $(host_cppflags)
tests_host_test_sealed_LDADD = $(host_libs)
if HAVE_CUNIT
check_PROGRAMS += tests/host/test_handed_on
TESTS += tests/host/test_handed_on
endif
tests_host_test_handed_on_SOURCES = tests/host/test_handed_on.c \
	$(called_sources)
tests_host_test_handed_on_CPPFLAGS = $(host_cppflags)
tests_host_test_handed_on_LDADD = $(host_libs)
if HAVE_CUNIT
check_PROGRAMS += tests/host/test_ends
TESTS += tests/host/test_ends
endif
tests_host_test_ends_SOURCES = tests/host/test_ends.c $(called_sources)
tests_host_test_ends_CPPFLAGS = $(host_cppflags)
tests_host_test_ends_LDADD = $(host_libs)
if HAVE_CUNIT
check_PROGRAMS += tests/host/test_in_need
TESTS += tests/host/test_in_need
endif
tests_host_test_in_need_SOURCES = tests/host/test_in_need.c \
	$(called_sources)
tests_host_test_in_need_CPPFLAGS = $(host_cppflags)
tests_host_test_in_need_LDADD = $(host_libs)
if HAVE_CUNIT
check_PROGRAMS += tests/host/test_talking_misuse
TESTS += tests/host/test_talking_misuse
endif
tests_host_test_talking_misuse_SOURCES = tests/host/test_talking_misuse.c \
	tests/host/misuse_talking.def
tests_host_test_talking_misuse_CPPFLAGS = $(host_cppflags)
tests_host_test_talking_misuse_LDADD = libreeve-ipc.la $(host_libs)
if OPENSSL
tests_host_test_talking_misuse_CPPFLAGS += -DHAVE_OPENSSL=1
tests_host_test_talking_misuse_LDADD += libreeve-net.la
endif
if HAVE_CUNIT
check_PROGRAMS += tests/host/test_record
TESTS += tests/host/test_record
endif
tests_host_test_record_SOURCES = tests/host/test_record.c $(host_guest)
tests_host_test_record_CPPFLAGS = $(host_cppflags)
tests_host_test_record_LDADD = libreeve-query.la $(host_libs)
if HAVE_CUNIT
if CURL
check_PROGRAMS += tests/host/test_crawl_parts
TESTS += tests/host/test_crawl_parts
endif
endif
tests_host_test_crawl_parts_SOURCES = tests/host/test_crawl_parts.c
tests_host_test_crawl_parts_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS) \
	-I$(top_srcdir)/tests -I$(top_srcdir)/tools/examples/multiprocessing
tests_host_test_crawl_parts_LDADD = tests/lib/libtest.la $(CURL_LIBS)
if HAVE_CUNIT
check_PROGRAMS += tests/host/test_pool_misuse
TESTS += tests/host/test_pool_misuse
endif
tests_host_test_pool_misuse_SOURCES = tests/host/test_pool_misuse.c
tests_host_test_pool_misuse_CPPFLAGS = $(host_cppflags)
tests_host_test_pool_misuse_LDADD = libreeve-pool.la $(host_libs)
EXTRA_DIST += tests/host/test_pool_examples tests/host/pools.sh \
	tests/host/web_site.py
if CURL
if GD
TESTS += tests/host/test_pool_examples
check_PROGRAMS += tests/host/images tests/host/kill_workers
endif
endif
tests_host_images_SOURCES = tests/host/images.c
tests_host_images_CPPFLAGS = -D_GNU_SOURCE $(GD_CFLAGS)
tests_host_images_LDADD = $(GD_LIBS)
tests_host_kill_workers_SOURCES = tests/host/kill_workers.c
tests_host_kill_workers_CPPFLAGS = -D_GNU_SOURCE
