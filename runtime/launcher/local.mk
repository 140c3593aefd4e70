# runtime/launcher: see its README.md
pkglibexec_PROGRAMS += reeve-launcher
reeve_launcher_SOURCES = runtime/launcher/adopt.c runtime/launcher/adopt.h \
	runtime/launcher/ahead.c runtime/launcher/ahead.h \
	runtime/launcher/birth.c runtime/launcher/birth.h \
	runtime/launcher/end.c runtime/launcher/end.h \
	runtime/launcher/farewell.c \
	runtime/launcher/forks.c runtime/launcher/forks.h \
	runtime/launcher/keeps.c runtime/launcher/keeps.h \
	runtime/launcher/kin.c runtime/launcher/kin.h \
	runtime/launcher/launcher.h \
	runtime/launcher/life.c runtime/launcher/life.h \
	runtime/launcher/link.c runtime/launcher/link.h \
	runtime/launcher/listen.c runtime/launcher/listen.h \
	runtime/launcher/launcher.c \
	runtime/launcher/making.c runtime/launcher/making.h \
	runtime/launcher/outputs.c runtime/launcher/outputs.h \
	runtime/launcher/partings.c runtime/launcher/partings.h \
	runtime/launcher/plan.c runtime/launcher/plan.h \
	runtime/launcher/requests.c \
	runtime/launcher/seal.c runtime/launcher/seal.h \
	runtime/launcher/sockets.c runtime/launcher/sockets.h \
	runtime/launcher/spares.c runtime/launcher/spares.h \
	runtime/launcher/templates.c runtime/launcher/templates.h \
	runtime/launcher/slots.c runtime/launcher/slots.h \
	runtime/launcher/sweep.c runtime/launcher/sweep.h
reeve_launcher_LDADD = runtime/loop/librv_loop.la runtime/wire/librv_wire.la \
	runtime/sys/librv_sys.la runtime/child/librv_child.la \
	runtime/base/librv_base.la
