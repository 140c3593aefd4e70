# runtime/conn: see its README.md
noinst_LTLIBRARIES += runtime/conn/librv_conn.la
runtime_conn_librv_conn_la_SOURCES = runtime/conn/address.c \
	runtime/conn/address.h runtime/conn/blocks.c runtime/conn/blocks.h \
	runtime/conn/conn.c runtime/conn/conn_make.c runtime/conn/connect.c \
	runtime/conn/conn_priv.h runtime/conn/head.c runtime/conn/head.h \
	runtime/conn/listener.c runtime/conn/parcel.c runtime/conn/rights.c runtime/conn/rights.h \
	runtime/conn/seqpacket.c runtime/conn/seqpacket.h \
	runtime/conn/seqpacket_send.c runtime/conn/socket_file.c \
	runtime/conn/socket_file.h runtime/conn/stream.c runtime/conn/stream.h \
	runtime/conn/transport.h runtime/conn/wait_any.c

# What is installed: from roof to ground.
lib_LTLIBRARIES += libreeve-ipc.la
libreeve_ipc_la_SOURCES =
libreeve_ipc_la_LIBADD = runtime/conn/librv_conn.la runtime/ipc/librv_ipc.la \
	runtime/sys/librv_sys.la runtime/base/librv_base.la
libreeve_ipc_la_LDFLAGS = -no-undefined -version-info 0:0:0 \
	-export-symbols-regex '^reeve_'
reeveinclude_HEADERS += runtime/include/reeve/blocks.h \
	runtime/include/reeve/conn.h \
	runtime/include/reeve/listener.h runtime/include/reeve/wait.h
dist_man_MANS += runtime/conn/reeve-connections.7
