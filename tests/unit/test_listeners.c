/* SPDX-License-Identifier: MIT */
/*
 * Sockets that workers are handed: opened, kept over a reload, given to the
 * launcher, cleaned up. The launcher here only writes down what it is given.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/harness.h"
#include "super/holder.h"
#include "super/listeners.h"

static char given[512];

void
rv_start_listener(struct rv_start *start, const char *name, int fd)
{
	size_t n = strlen(given);

	(void)start;
	CU_ASSERT(fcntl(fd, F_GETFD) != -1);
	snprintf(given + n, sizeof(given) - n, "+%s ", name);
}

void
rv_start_unlisten(struct rv_start *start, const char *name)
{
	size_t n = strlen(given);

	(void)start;
	snprintf(given + n, sizeof(given) - n, "-%s ", name);
}

static void
expect_given(const char *text)
{
	CU_ASSERT_STRING_EQUAL(given, text);
	given[0] = '\0';
}

/* A conf of nothing but listeners. */
struct sockets {
	struct rv_conf conf;
	struct rv_listen listens[8];
	union {
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	} addresses[8];
	char texts[8][200];
};

static struct rv_listen *
add(struct sockets *s, const char *name, const void *address, size_t len)
{
	unsigned i = s->conf.n_listens++;

	s->conf.listens = s->listens;
	memcpy(&s->addresses[i], address, len);
	s->listens[i] = (struct rv_listen){ .name = name,
		.address = &s->addresses[i],
		.address_len = (uint32_t)len,
		.text = s->texts[i],
		.backlog = 16,
		.mode = -1 };
	return &s->listens[i];
}

static struct rv_listen *
add_tcp(struct sockets *s, const char *name, const char *host, int port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port) };

	inet_pton(AF_INET, host, &in.sin_addr);
	snprintf(s->texts[s->conf.n_listens], 200, "tcp://%s:%d", host, port);
	return add(s, name, &in, sizeof(in));
}

static struct rv_listen *
add_unix(struct sockets *s, const char *name, const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct rv_listen *listen;

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	snprintf(s->texts[s->conf.n_listens], 200, "unix://%s", path);
	listen = add(s, name, &un, sizeof(un));
	listen->kind = RV_LISTEN_UNIX;
	return listen;
}

static const char *
in_dir(const char *name)
{
	static char path[100];

	snprintf(path, sizeof(path), "%s/%s", rv_test_dir(), name);
	return path;
}

/* True when somebody answers there. */
static bool
connects(const struct rv_listen *listen)
{
	const struct sockaddr *address = listen->address;
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok = connect(fd, address, listen->address_len) == 0;

	close(fd);
	return ok;
}

/* A port of this machine that is free at the moment. */
static int
free_port(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CU_ASSERT_FATAL(bind(fd, (struct sockaddr *)&in, sizeof(in)) == 0);
	CU_ASSERT_FATAL(getsockname(fd, (struct sockaddr *)&in, &len) == 0);
	close(fd);
	return ntohs(in.sin_port);
}

static enum reeve_status
open_set(struct rv_listeners *set, struct rv_listeners *now, struct sockets *s,
    struct reeve_error *err)
{
	return rv_listeners_open(set, now, &s->conf, err);
}

RV_TEST(each_kind_of_socket_is_opened_as_it_is_described)
{
	struct sockets s = { 0 };
	struct rv_listeners set;
	struct rv_listen *tcp, *udp, *file;
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct stat st;
	int value = 0;
	socklen_t len = sizeof(value);

	tcp = add_tcp(&s, "a", "127.0.0.1", free_port());
	udp = add_tcp(&s, "b", "127.0.0.1", 0);
	udp->kind = RV_LISTEN_UDP;
	file = add_unix(&s, "c", in_dir("c"));
	file->mode = 0622;
	add(&s, "d", &in6, sizeof(in6))->v6_only = true;
	CU_ASSERT_FATAL(open_set(&set, NULL, &s, NULL) == REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(set.n, 4);
	CU_ASSERT(connects(tcp));
	CU_ASSERT(connects(file));
	CU_ASSERT_EQUAL(stat(in_dir("c"), &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0622);
	CU_ASSERT_EQUAL(getsockopt(rv_listeners_find(&set, "b")->fd, SOL_SOCKET,
			    SO_TYPE, &value, &len),
	    0);
	CU_ASSERT_EQUAL(value, SOCK_DGRAM);
	CU_ASSERT_EQUAL(getsockopt(rv_listeners_find(&set, "d")->fd,
			    IPPROTO_IPV6, IPV6_V6ONLY, &value, &len),
	    0);
	CU_ASSERT_EQUAL(value, 1);
	CU_ASSERT_PTR_NULL(rv_listeners_find(&set, "e"));
	rv_listeners_give(&set, NULL);
	expect_given("+a +b +c +d ");
	rv_listeners_close(&set);
	CU_ASSERT_EQUAL(stat(in_dir("c"), &st), -1);
	CU_ASSERT(!connects(tcp));
}

RV_TEST(what_stays_keeps_its_descriptor_over_a_reload)
{
	struct sockets s = { 0 }, t = { 0 };
	struct rv_listeners now, next;
	int kept, moved, file, port = free_port();
	struct stat st;

	add_tcp(&s, "http", "127.0.0.1", port);
	add_unix(&s, "old", in_dir("old"));
	add_unix(&s, "sock", in_dir("sock"));
	CU_ASSERT_FATAL(open_set(&now, NULL, &s, NULL) == REEVE_OK);
	kept = rv_listeners_find(&now, "http")->fd;
	file = rv_listeners_find(&now, "sock")->fd;
	add_tcp(&t, "http", "127.0.0.1", port)->backlog = 77;
	add_tcp(&t, "new", "127.0.0.1", 0);
	/* Its name is another's now, its address is what counts. */
	add_unix(&t, "renamed", in_dir("sock"))->mode = 0600;
	CU_ASSERT_FATAL(open_set(&next, &now, &t, NULL) == REEVE_OK);
	CU_ASSERT(connects(&s.listens[1]));
	rv_listeners_swap(&now, &next, NULL);
	expect_given("+new +renamed ");
	moved = rv_listeners_find(&now, "renamed")->fd;
	CU_ASSERT_EQUAL(rv_listeners_find(&now, "http")->fd, kept);
	CU_ASSERT_EQUAL(moved, file);
	CU_ASSERT(connects(&s.listens[1]));
	rv_listeners_part(&next, &now, NULL);
	expect_given("-old -sock ");
	CU_ASSERT(!connects(&s.listens[1]));
	CU_ASSERT_EQUAL(stat(in_dir("old"), &st), -1);
	CU_ASSERT(connects(&t.listens[0]));
	CU_ASSERT(connects(&t.listens[2]));
	CU_ASSERT_EQUAL(stat(in_dir("sock"), &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
	rv_listeners_close(&now);
	CU_ASSERT_EQUAL(stat(in_dir("sock"), &st), -1);
}

RV_TEST(a_set_that_cannot_be_opened_leaves_all_as_it_was)
{
	struct sockets s = { 0 }, t = { 0 };
	struct rv_listeners now, next;
	struct reeve_error err;
	int port = free_port();
	struct stat st;

	add_tcp(&s, "http", "127.0.0.1", port);
	CU_ASSERT_FATAL(open_set(&now, NULL, &s, NULL) == REEVE_OK);
	add_tcp(&t, "http", "127.0.0.1", port);
	add_unix(&t, "new", in_dir("new"));
	/* TEST-NET-1: an address that nobody has. */
	add_tcp(&t, "wrong", "192.0.2.1", 80);
	CU_ASSERT_EQUAL(open_set(&next, &now, &t, &err), REEVE_EFAILED);
	CU_ASSERT_STRING_EQUAL(err.text,
	    "cannot listen on tcp://192.0.2.1:80 for wrong: Cannot assign "
	    "requested address; no interface of this machine has that "
	    "address");
	CU_ASSERT_EQUAL(stat(in_dir("new"), &st), -1);
	CU_ASSERT(connects(&s.listens[0]));
	/* And again, without what was wrong. */
	t.conf.n_listens = 2;
	CU_ASSERT_EQUAL(open_set(&next, &now, &t, &err), REEVE_OK);
	rv_listeners_swap(&now, &next, NULL);
	rv_listeners_part(&next, &now, NULL);
	CU_ASSERT(connects(&s.listens[0]));
	rv_listeners_close(&now);
	expect_given("+new ");
}

/* It is this process. */
static void
check_holder(const struct rv_listeners *failed, struct reeve_error *err)
{
	char pid[32];

	rv_listeners_tell_holder(failed, err);
	snprintf(pid, sizeof(pid), "; pid %d (", (int)getpid());
	CU_ASSERT_PTR_NOT_NULL(strstr(err->text, pid));
	CU_ASSERT_PTR_NOT_NULL(strstr(err->text, ") holds it"));
	CU_ASSERT_EQUAL(err->sys_errno, EADDRINUSE);
}

RV_TEST(an_address_that_is_taken_is_said_to_be)
{
	struct sockets s = { 0 }, t = { 0 };
	struct rv_listeners one, two;
	struct reeve_error err;
	char text[300];
	int port = free_port();

	add_tcp(&s, "http", "127.0.0.1", port);
	add_unix(&s, "sock", in_dir("sock"));
	CU_ASSERT_FATAL(open_set(&one, NULL, &s, NULL) == REEVE_OK);
	add_tcp(&t, "mine", "127.0.0.1", port);
	CU_ASSERT_EQUAL(open_set(&two, NULL, &t, &err), REEVE_EFAILED);
	snprintf(text, sizeof(text),
	    "cannot listen on tcp://127.0.0.1:%d for mine: Address already in "
	    "use; somebody listens there already (`ss -lntup` tells who)",
	    port);
	CU_ASSERT_STRING_EQUAL(err.text, text);
	CU_ASSERT_EQUAL(err.sys_errno, EADDRINUSE);
	check_holder(&two, &err);
	t = (struct sockets){ 0 };
	add_unix(&t, "mine", in_dir("sock"));
	CU_ASSERT_EQUAL(open_set(&two, NULL, &t, &err), REEVE_EFAILED);
	check_holder(&two, &err);
	CU_ASSERT(connects(&s.listens[1]));
	/* Every address is in the way of one of them. */
	t = (struct sockets){ 0 };
	add_tcp(&t, "mine", "0.0.0.0", port);
	CU_ASSERT_EQUAL(open_set(&two, NULL, &t, &err), REEVE_EFAILED);
	check_holder(&two, &err);
	rv_listeners_close(&one);
}

/* What fails for another reason is nobody's fault. */
RV_TEST(nobody_holds_an_address_that_this_machine_has_not)
{
	struct sockets s = { 0 };
	struct rv_listeners set;
	struct reeve_error err;
	char before[sizeof(err.text)], nobody[64];

	add_tcp(&s, "wrong", "192.0.2.1", 80);
	CU_ASSERT_EQUAL(open_set(&set, NULL, &s, &err), REEVE_EFAILED);
	snprintf(before, sizeof(before), "%s", err.text);
	rv_listeners_tell_holder(&set, &err);
	CU_ASSERT_STRING_EQUAL(err.text, before);
	s = (struct sockets){ 0 };
	add_tcp(&s, "free", "127.0.0.1", free_port());
	CU_ASSERT_FALSE(rv_holder_find(&s.listens[0], nobody, sizeof(nobody)));
	CU_ASSERT_STRING_EQUAL(nobody, "");
}

RV_TEST(a_file_that_nobody_listens_on_is_replaced_and_no_other)
{
	struct sockets s = { 0 };
	struct rv_listeners set;
	struct reeve_error err;
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct stat st;

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", in_dir("sock"));
	CU_ASSERT_EQUAL(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	close(fd);
	add_unix(&s, "sock", in_dir("sock"));
	CU_ASSERT_FATAL(open_set(&set, NULL, &s, NULL) == REEVE_OK);
	CU_ASSERT(connects(&s.listens[0]));
	/* Somebody puts his own there: it stays. */
	unlink(in_dir("sock"));
	fd = open(in_dir("sock"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	rv_listeners_close(&set);
	CU_ASSERT_EQUAL(stat(in_dir("sock"), &st), 0);
	CU_ASSERT_EQUAL(open_set(&set, NULL, &s, &err), REEVE_EFAILED);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "that is no socket"));
	CU_ASSERT_EQUAL(stat(in_dir("sock"), &st), 0);
	s = (struct sockets){ 0 };
	add_unix(&s, "sock", in_dir("no/dir"));
	CU_ASSERT_EQUAL(open_set(&set, NULL, &s, &err), REEVE_EFAILED);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "its directory must be there"));
}

RV_TEST(a_socket_of_the_host_is_copied_and_kept)
{
	struct sockets s = { 0 };
	struct rv_listeners now, next;
	struct reeve_error err;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	add_tcp(&s, "http", "127.0.0.1", 0);
	CU_ASSERT_FATAL(open_set(&now, NULL, &s, NULL) == REEVE_OK);
	CU_ASSERT_EQUAL(
	    rv_listeners_hand(&now, "mine", fd, NULL, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(
	    rv_listeners_hand(&now, "mine", fd, NULL, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(
	    rv_listeners_hand(&now, "http", fd, NULL, &err), REEVE_EEXIST);
	CU_ASSERT_EQUAL(
	    rv_listeners_hand(&now, "other", -1, NULL, &err), REEVE_ESYS);
	CU_ASSERT_EQUAL(now.n, 2);
	close(fd);
	CU_ASSERT_STRING_EQUAL(now.handed[0], "mine");
	CU_ASSERT_PTR_NULL(now.handed[1]);
	CU_ASSERT_FATAL(open_set(&next, &now, &s, NULL) == REEVE_OK);
	rv_listeners_swap(&now, &next, NULL);
	rv_listeners_part(&next, &now, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(rv_listeners_find(&now, "mine"));
	CU_ASSERT(fcntl(rv_listeners_find(&now, "mine")->fd, F_GETFD) != -1);
	CU_ASSERT_STRING_EQUAL(now.handed[0], "mine");
	rv_listeners_close(&now);
	given[0] = '\0';
}

RV_SUITE(listeners, RV_CASE(each_kind_of_socket_is_opened_as_it_is_described),
    RV_CASE(what_stays_keeps_its_descriptor_over_a_reload),
    RV_CASE(a_set_that_cannot_be_opened_leaves_all_as_it_was),
    RV_CASE(an_address_that_is_taken_is_said_to_be),
    RV_CASE(nobody_holds_an_address_that_this_machine_has_not),
    RV_CASE(a_file_that_nobody_listens_on_is_replaced_and_no_other),
    RV_CASE(a_socket_of_the_host_is_copied_and_kept))
