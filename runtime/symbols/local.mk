# runtime/symbols: see its README.md
pkglibexec_PROGRAMS += reeve-symbols
reeve_symbols_SOURCES = runtime/symbols/jail.c runtime/symbols/jail.h \
	runtime/symbols/module.c runtime/symbols/module.h \
	runtime/symbols/naming.h runtime/symbols/symbols_main.c
if LIBDW
reeve_symbols_SOURCES += runtime/symbols/naming_dw.c
else
reeve_symbols_SOURCES += runtime/symbols/naming_none.c
endif
reeve_symbols_LDADD = runtime/wire/librv_wire.la runtime/sys/librv_sys.la \
	runtime/core/librv_core.la runtime/base/librv_base.la \
	$(JANSSON_LIBS) $(LIBDW_LIBS)
