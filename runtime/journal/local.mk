# runtime/journal: see its README.md
noinst_LTLIBRARIES += runtime/journal/librv_journal.la
runtime_journal_librv_journal_la_SOURCES = runtime/journal/journal.c runtime/journal/journal.h
