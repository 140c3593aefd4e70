# runtime/query: see its README.md
noinst_LTLIBRARIES += runtime/query/librv_query.la
runtime_query_librv_query_la_SOURCES = 
