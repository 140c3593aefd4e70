# runtime/wire: see its README.md
noinst_LTLIBRARIES += runtime/wire/librv_wire.la
runtime_wire_librv_wire_la_SOURCES = 
