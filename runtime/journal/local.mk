# runtime/journal: see its README.md
noinst_LTLIBRARIES += runtime/journal/librv_journal.la
runtime_journal_librv_journal_la_SOURCES = runtime/journal/clerk_link.c \
	runtime/journal/clerk_link.h runtime/journal/journal.c runtime/journal/journal.h
