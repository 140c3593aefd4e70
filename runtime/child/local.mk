# runtime/child: see its README.md
noinst_LTLIBRARIES += runtime/child/librv_child.la
runtime_child_librv_child_la_SOURCES = \
	runtime/child/enter.c runtime/child/enter.h \
	runtime/child/function.c runtime/child/page.h runtime/child/raw.h \
	runtime/child/stage.def runtime/child/stage.h

lib_LTLIBRARIES += libreeve-child.la
libreeve_child_la_SOURCES =
libreeve_child_la_LIBADD = runtime/child/librv_child.la
libreeve_child_la_LDFLAGS = -no-undefined -version-info 0:0:0 \
	-export-symbols-regex '^reeve_'
reeveinclude_HEADERS += runtime/include/reeve/function.h
