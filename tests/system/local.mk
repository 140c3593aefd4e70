# tests/system: see its README.md
if HAVE_CUNIT
check_PROGRAMS += tests/system/test_lossless tests/system/test_slow_disk \
	tests/system/test_full_disk tests/system/test_odd_output \
	tests/system/test_no_descriptors tests/system/test_dropped
SYSTEM_TESTS += tests/system/test_lossless tests/system/test_slow_disk \
	tests/system/test_full_disk tests/system/test_odd_output \
	tests/system/test_no_descriptors tests/system/test_dropped
endif
tests_system_test_lossless_SOURCES = tests/system/test_lossless.c $(live_sources)
tests_system_test_lossless_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_system_test_lossless_LDADD = $(live_libs)
tests_system_test_slow_disk_SOURCES = tests/system/test_slow_disk.c $(live_sources)
tests_system_test_slow_disk_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_system_test_slow_disk_LDADD = $(live_libs)
tests_system_test_full_disk_SOURCES = tests/system/test_full_disk.c $(live_sources)
tests_system_test_full_disk_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_system_test_full_disk_LDADD = $(live_libs)
tests_system_test_odd_output_SOURCES = tests/system/test_odd_output.c $(live_sources)
tests_system_test_odd_output_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_system_test_odd_output_LDADD = $(live_libs)
tests_system_test_no_descriptors_SOURCES = tests/system/test_no_descriptors.c $(live_sources)
tests_system_test_no_descriptors_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_system_test_no_descriptors_LDADD = $(live_libs)
tests_system_test_dropped_SOURCES = tests/system/test_dropped.c $(called_sources)
tests_system_test_dropped_CPPFLAGS = $(host_cppflags)
tests_system_test_dropped_LDADD = $(host_libs)
if HAVE_CUNIT
check_PROGRAMS += tests/system/test_pool_spill
SYSTEM_TESTS += tests/system/test_pool_spill
endif
tests_system_test_pool_spill_SOURCES = tests/system/test_pool_spill.c \
	$(pool_gate)
tests_system_test_pool_spill_CPPFLAGS = $(pool_host_cppflags)
tests_system_test_pool_spill_LDADD = $(pool_host_libs)
SYSTEM_TESTS += tests/system/test_interpreters
EXTRA_DIST += tests/system/test_interpreters
SYSTEM_TESTS += tests/system/test_no_disk tests/system/test_servers
EXTRA_DIST += tests/system/test_no_disk tests/system/test_servers
SYSTEM_TESTS += tests/system/test_map_full tests/system/test_map_many
EXTRA_DIST += tests/system/test_map_full tests/system/test_map_many
SYSTEM_TESTS += tests/system/test_httpd
EXTRA_DIST += tests/system/test_httpd
SYSTEM_TESTS += tests/system/test_storm tests/system/test_storm_of_all
SOAK_TESTS += tests/system/test_long_storm \
	tests/system/test_long_storm_of_all
EXTRA_DIST += tests/system/test_storm tests/system/test_long_storm \
	tests/system/test_storm_of_all tests/system/test_long_storm_of_all
