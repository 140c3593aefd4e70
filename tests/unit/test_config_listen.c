/* SPDX-License-Identifier: MIT */
/* Sockets and signals of a config, and generations that overlap. */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/text.h"
#include "config/load.h"
#include "lib/harness.h"
#include "unit/config_said.h"

/* Root members, then members of the worker `w`. */
static struct rv_conf *
parse(const char *root, const char *members)
{
	char text[8192];

	snprintf(text, sizeof(text),
	    "{\"name\":\"n\",\"state_dir\":\"/s\",%s%s\"children\":{\"w\":{"
	    "\"command\":\"x\"%s%s}}}",
	    root, root[0] != '\0' ? "," : "", members[0] != '\0' ? "," : "",
	    members);
	return said_parse(text);
}

/* -------- sockets -------- */

static void
check_inet(const struct rv_listen *listen, const char *host, int port)
{
	const struct sockaddr_in *in = listen->address;
	const struct sockaddr_in6 *in6 = listen->address;
	char text[64];

	if (in->sin_family == AF_INET) {
		CU_ASSERT_EQUAL(listen->address_len, sizeof(*in));
		inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
		CU_ASSERT_EQUAL(ntohs(in->sin_port), port);
	} else {
		CU_ASSERT_EQUAL(listen->address_len, sizeof(*in6));
		inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
		CU_ASSERT_EQUAL(ntohs(in6->sin6_port), port);
	}
	CU_ASSERT_STRING_EQUAL(text, host);
}

RV_TEST(addresses_become_what_the_kernel_takes)
{
	struct rv_conf *conf = parse(
	    "\"listen\":{\"z\":\"tcp://127.0.0.1:8080\",\"a\":{\"address\":"
	    "\"tcp://[::]:0\",\"backlog\":7,\"reuse_port\":true,\"v6_only\":"
	    "true},\"u\":\"udp://0.0.0.0:53\",\"s\":{\"address\":"
	    "\"unix:///run//%(program_name)s/./x.sock\",\"mode\":\"0660\"}}",
	    "\"listen\":[\"z\",\"a\",\"u\",\"s\"]");
	const struct rv_listen *l;
	const char *const *names;

	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT_STRING_EQUAL(rv_buf_str(&said), "");
	CU_ASSERT_EQUAL_FATAL(conf->n_listens, 4);
	CU_ASSERT_STRING_EQUAL(conf->listens[0].name, "a");
	l = rv_conf_find_listen(conf, "z");
	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	CU_ASSERT_EQUAL(l->kind, RV_LISTEN_TCP);
	CU_ASSERT_STRING_EQUAL(l->text, "tcp://127.0.0.1:8080");
	CU_ASSERT_EQUAL(l->backlog, 511);
	CU_ASSERT_EQUAL(l->mode, -1);
	CU_ASSERT_FALSE(l->reuse_port || l->v6_only);
	check_inet(l, "127.0.0.1", 8080);
	l = rv_conf_find_listen(conf, "a");
	CU_ASSERT_EQUAL(l->backlog, 7);
	CU_ASSERT(l->reuse_port && l->v6_only);
	check_inet(l, "::", 0);
	l = rv_conf_find_listen(conf, "u");
	CU_ASSERT_EQUAL(l->kind, RV_LISTEN_UDP);
	check_inet(l, "0.0.0.0", 53);
	l = rv_conf_find_listen(conf, "s");
	CU_ASSERT_EQUAL(l->kind, RV_LISTEN_UNIX);
	CU_ASSERT_EQUAL(l->mode, 0660);
	CU_ASSERT_STRING_EQUAL(
	    ((const struct sockaddr_un *)l->address)->sun_path,
	    "/run/n/x.sock");
	CU_ASSERT_EQUAL(l->address_len,
	    offsetof(struct sockaddr_un, sun_path) + sizeof("/run/n/x.sock"));
	CU_ASSERT_PTR_NULL(rv_conf_find_listen(conf, "b"));
	names = rv_conf_find(conf, "w")->program->listen;
	CU_ASSERT_STRING_EQUAL(names[0], "z");
	CU_ASSERT_STRING_EQUAL(names[3], "s");
	CU_ASSERT_PTR_NULL(names[4]);
	rv_conf_unref(conf);
	said_forget();
}

RV_TEST(a_host_may_be_a_name)
{
	struct rv_conf *conf = parse(
	    "\"listen\":{\"a\":\"tcp://localhost:1\"}", "\"listen\":[\"a\"]");
	struct rv_conf *again = parse(
	    "\"listen\":{\"a\":\"tcp://localhost:1\"}", "\"listen\":[\"a\"]");

	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT_PTR_NOT_NULL_FATAL(again);
	CU_ASSERT(rv_listen_is_same(&conf->listens[0], &again->listens[0]));
	rv_conf_unref(conf);
	rv_conf_unref(again);
	said_forget();
}

RV_TEST(who_is_offline_looks_no_host_up)
{
	static const char text[] =
	    "{\"name\":\"n\",\"state_dir\":\"/s\",\"listen\":{\"a\":{"
	    "\"address\":\"tcp://no-such-host.invalid:1\",\"v6_only\":true},"
	    "\"b\":\"tcp://[::1]:1\"},\"children\":{\"w\":{\"command\":"
	    "\"x\",\"listen\":[\"a\",\"b\"]}}}";
	const struct rv_conf_source source = { .file = "/etc/x.json",
		.offline = true };
	struct rv_conf *conf = NULL;

	CU_ASSERT_EQUAL_FATAL(rv_conf_parse_source(&conf, &source, text,
				  strlen(text), said_finding, NULL),
	    REEVE_OK);
	CU_ASSERT_PTR_NULL(rv_conf_find_listen(conf, "a")->address);
	CU_ASSERT_PTR_NOT_NULL(rv_conf_find_listen(conf, "b")->address);
	rv_conf_unref(conf);
	said_forget();
}

RV_TEST(instances_share_the_sockets_of_their_worker)
{
	struct rv_conf *conf = parse("\"defaults\":{\"listen\":[\"r\"]},"
				     "\"listen\":{\"r\":\"tcp://[::1]:1\"}",
	    "\"numprocs\":3,\"listen\":{\"own\":\"unix:///x\"}");

	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT(said_words("warning listen.r: no worker has \"r\" in its "
			     "\"listen\"\n"));
	CU_ASSERT_EQUAL(conf->n_listens, 2);
	CU_ASSERT_STRING_EQUAL(
	    rv_conf_find(conf, "w.0")->program->listen[0], "own");
	CU_ASSERT_STRING_EQUAL(
	    rv_conf_find(conf, "w.2")->program->listen[0], "own");
	rv_conf_unref(conf);
	conf = parse("\"defaults\":{\"listen\":[\"r\"]},\"listen\":{\"r\":"
		     "\"tcp://[::1]:1\"}",
	    "");
	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT_STRING_EQUAL(rv_buf_str(&said), "");
	CU_ASSERT_STRING_EQUAL(
	    rv_conf_find(conf, "w")->program->listen[0], "r");
	rv_conf_unref(conf);
	conf = parse("\"defaults\":{\"listen\":[\"r\"]},\"listen\":{\"r\":"
		     "\"tcp://[::1]:1\"}",
	    "\"listen\":[]");
	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT_PTR_NULL(rv_conf_find(conf, "w")->program->listen);
	rv_conf_unref(conf);
	said_forget();
}

#define ONE(address) "\"listen\":{\"a\":" address "}"
#define A            "\"listen\":[\"a\"]"

static const struct {
	const char *root, *members, *said;
} sockets[] = {
	{ "\"listen\":5", "", "listen: must be an object of sockets, such as" },
	{ ONE("5"), A, "listen.a: must be an address such as \"tcp://127.0" },
	{ ONE("{}"), A, "listen.a: needs an \"address\"\n" },
	{ ONE("{\"adress\":\"x\",\"address\":\"tcp://[::1]:1\"}"), A,
	    "listen.a.adress: unknown key; did you mean \"address\"?\n" },
	{ ONE("{\"address\":1}"), A, "a.address: must be a string" },
	{ "\"listen\":{\"a:b\":\"unix:///x\"}", "",
	    "listen.a:b: \"a:b\" is no name" },
	{ ONE("\"\""), A, "\"\" is no address: write \"tcp://HOST:PORT\", " },
	{ ONE("\"tpc://[::1]:1\""), A,
	    "\"tpc://[::1]:1\" is no address; did you mean "
	    "\"tcp://[::1]:1\"?\n" },
	{ ONE("\"unix:/x\""), A, "did you mean \"unix://x\"?\n" },
	{ ONE("\"http://[::1]:1\""), A, "is no address: write" },
	{ ONE("\"tcp://127.0.0.1\""), A, "it has no port" },
	{ ONE("\"tcp://[::1]\""), A, "it has no port" },
	{ ONE("\"tcp://:80\""), A,
	    "listen.a: \"tcp://:80\": it has no host: every address is "
	    "\"0.0.0.0\" or \"[::]\"\n" },
	{ ONE("\"tcp://*:80\""), A, "it has no host" },
	{ ONE("\"tcp://[]:80\""), A, "it has no host" },
	{ ONE("\"tcp://[::1:80\""), A, "the bracket is not closed" },
	{ ONE("\"tcp://[::1]x:80\""), A, "the bracket is not closed" },
	{ ONE("\"tcp://::1:80\""), A, "an IPv6 address stands in brackets" },
	{ ONE("\"tcp://127.0.0.1:65536\""), A,
	    "the port must be a number from 0 to 65535\n" },
	{ ONE("\"tcp://127.0.0.1:http\""), A, "the port must be a number" },
	{ ONE("\"tcp://127.0.0.1:\""), A, "the port must be a number" },
	{ ONE("\"tcp://a/b:80\""), A, "the host is none" },
	{ ONE("\"tcp://[zz]:80\""), A, "cannot look up the host zz: " },
	{ ONE("\"unix://x\""), A,
	    "the path must begin with a slash: \"unix:///PATH\"\n" },
	{ ONE("\"unix:///x/\""), A, "the path names no file\n" },
	{ ONE("\"unix:///0123456789012345678901234567890123456789012345678901"
	      "23456789012345678901234567890123456789012345678901234567\""),
	    A, "the path is too long: at most 107 bytes\n" },
	{ ONE("{\"address\":\"unix:///x\",\"reuse_port\":true}"), A,
	    "listen.a.reuse_port: a unix socket has no port\n" },
	{ ONE("{\"address\":\"unix:///x\",\"v6_only\":true}"), A,
	    "only an IPv6 address can be v6_only\n" },
	{ ONE("{\"address\":\"tcp://0.0.0.0:1\",\"v6_only\":true}"), A,
	    "only an IPv6 address can be v6_only\n" },
	{ ONE("{\"address\":\"tcp://[::1]:1\",\"mode\":\"600\"}"), A,
	    "only the file of a unix socket has a mode\n" },
	{ ONE("{\"address\":\"udp://[::1]:1\",\"backlog\":5}"), A,
	    "nobody connects to a udp socket: it has no backlog\n" },
	{ ONE("{\"address\":\"tcp://[::1]:1\",\"backlog\":0}"), A,
	    "0 is out of range: from 1 to 65535\n" },
	{ "\"listen\":{\"a\":\"tcp://[::1]:1\",\"b\":\"tcp://[::1]:1\"}",
	    "\"listen\":[\"a\",\"b\"]",
	    "have the same address, tcp://[::1]:1\n" },
	{ ONE("\"tcp://[::1]:1\""), "\"listen\":5",
	    "children.w.listen: must be an array of names from the root's" },
	{ ONE("\"tcp://[::1]:1\""), "\"listen\":[1]",
	    "w.listen[0]: must be a string" },
	{ ONE("\"tcp://[::1]:1\""), "\"listen\":[\"a\",\"a\"]",
	    "w.listen[1]: stands here twice\n" },
	{ "\"listen\":{\"http\":\"tcp://[::1]:1\"}", "\"listen\":[\"htp\"]",
	    "listen[0]: there is no socket \"htp\"; did you mean \"http\"?\n" },
	{ "", "\"listen\":[\"web\"]",
	    "there is no socket \"web\": declare it in the root's "
	    "\"listen\"\n" },
	{ ONE("\"tcp://[::1]:1\""), "\"listen\":{\"a\":\"tcp://[::1]:2\"}",
	    "there are two sockets with the name \"a\"\n" },
	{ ONE("\"tcp://[::1]:1\""), A ",\"ready\":{\"fd\":3}",
	    "ready: descriptor 3 is one of its sockets: use 4 or higher\n" },
	{ "\"defaults\":{\"listen\":{\"a\":\"tcp://[::1]:1\"}}", "",
	    "defaults.listen: sockets of its own are for a worker" },
};

RV_TEST(each_mistake_about_a_socket_has_its_own_words)
{
	for (size_t i = 0; i < RV_ARRAY_LEN(sockets); i++) {
		CU_ASSERT_PTR_NULL(parse(sockets[i].root, sockets[i].members));
		CU_ASSERT(said_words(sockets[i].said));
	}
	said_forget();
}

RV_TEST(one_mistake_about_a_socket_is_told_once)
{
	for (size_t i = 0; i < RV_ARRAY_LEN(sockets); i++) {
		const char *at;
		unsigned errors = 0;

		CU_ASSERT_PTR_NULL(parse(sockets[i].root, sockets[i].members));
		for (at = rv_buf_str(&said);
		     (at = strstr(at, " error ")) != NULL; at++) {
			errors++;
		}
		if (errors != 1) {
			printf("# %s", rv_buf_str(&said));
		}
		CU_ASSERT_EQUAL(errors, 1);
	}
	said_forget();
}

RV_TEST(what_has_no_fixed_port_or_shares_it_may_be_alike)
{
	static const char *const roots[] = {
		"\"listen\":{\"a\":\"tcp://[::1]:0\",\"b\":\"tcp://[::1]:0\"}",
		"\"listen\":{\"a\":\"tcp://[::1]:1\",\"b\":\"udp://[::1]:1\"}",
		"\"listen\":{\"a\":\"tcp://[::1]:1\",\"b\":\"tcp://[::2]:1\"}",
		"\"listen\":{\"a\":{\"address\":\"tcp://[::1]:1\","
		"\"reuse_port\":true},\"b\":{\"address\":\"tcp://[::1]:1\","
		"\"reuse_port\":true}}",
	};

	for (size_t i = 0; i < RV_ARRAY_LEN(roots); i++) {
		struct rv_conf *conf =
		    parse(roots[i], "\"listen\":[\"a\",\"b\"]");

		CU_ASSERT_PTR_NOT_NULL(conf);
		CU_ASSERT_STRING_EQUAL(rv_buf_str(&said), "");
		rv_conf_unref(conf);
	}
	said_forget();
}

RV_TEST(a_worker_has_only_so_many_sockets)
{
	struct rv_buf root, names;
	struct rv_conf *conf;

	rv_buf_init(&root, 8192);
	rv_buf_init(&names, 8192);
	for (int i = 0; i < 64; i++) {
		rv_buf_addf(&root, "%s\"s%d\":\"tcp://[::1]:%d\"",
		    i > 0 ? "," : "\"listen\":{", i, i + 1);
		rv_buf_addf(
		    &names, "%s\"s%d\"", i > 0 ? "," : "\"listen\":[", i);
	}
	rv_buf_addc(&root, '}');
	rv_buf_addc(&names, ']');
	conf = parse(rv_buf_str(&root), rv_buf_str(&names));
	CU_ASSERT_PTR_NOT_NULL(conf);
	CU_ASSERT_STRING_EQUAL(rv_buf_str(&said), "");
	rv_conf_unref(conf);
	rv_buf_consume(&names, strlen("\"listen\":["));
	{
		struct rv_buf more;

		rv_buf_init(&more, 8192);
		rv_buf_adds(&more, "\"listen\":[\"one\",");
		rv_buf_adds(&more, rv_buf_str(&names));
		CU_ASSERT_PTR_NULL(parse(rv_buf_str(&root), rv_buf_str(&more)));
		CU_ASSERT(
		    said_words("w.listen[64]: too many sockets: at most 64\n"));
		rv_buf_finish(&more);
	}
	rv_buf_finish(&root);
	rv_buf_finish(&names);
	said_forget();
}

static uint64_t
digest(const char *root)
{
	struct rv_conf *conf = parse(root, A);
	uint64_t result;

	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	result = rv_conf_find(conf, "w")->program_digest;
	rv_conf_unref(conf);
	return result;
}

RV_TEST(a_reload_sees_another_socket_under_the_same_name)
{
	uint64_t was = digest(ONE("\"tcp://[::1]:1\""));

	CU_ASSERT_EQUAL(was,
	    digest(ONE("{\"address\":\"tcp://[0::1]:01\",\"backlog\":9}")));
	CU_ASSERT_NOT_EQUAL(was, digest(ONE("\"tcp://[::1]:2\"")));
	CU_ASSERT_NOT_EQUAL(was, digest(ONE("\"udp://[::1]:1\"")));
	CU_ASSERT_NOT_EQUAL(was,
	    digest(ONE("{\"address\":\"tcp://[::1]:1\",\"v6_only\":true}")));
	said_forget();
}

static void
load_handed(const char *file, const char *const *handed, struct rv_conf **conf)
{
	struct rv_conf_source source = {
		.name = "n", .state_dir = "/s", .handed = handed
	};
	struct rv_declared *d = NULL;

	rv_buf_finish(&said);
	rv_buf_init(&said, 1 << 20);
	*conf = NULL;
	CU_ASSERT_EQUAL_FATAL(rv_declared_create(&d, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(rv_declared_add(d, "/", true, file, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(rv_declared_add(d, "w", false,
			    "{\"command\":\"x\",\"listen\":[\"mine\"]}", NULL),
	    REEVE_OK);
	source.declared = d;
	if (rv_conf_load_source(conf, &source, said_finding, NULL) !=
	    REEVE_OK) {
		*conf = NULL;
	}
	rv_declared_destroy(d);
}

RV_TEST(sockets_of_the_host_need_no_address)
{
	static const char *const handed[] = { "other", "mine", NULL };
	struct rv_conf *conf;

	load_handed("{}", handed, &conf);
	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT_STRING_EQUAL(rv_buf_str(&said), "");
	CU_ASSERT_STRING_EQUAL(
	    rv_conf_find(conf, "w")->program->listen[0], "mine");
	CU_ASSERT_PTR_NULL(rv_conf_find_listen(conf, "mine"));
	rv_conf_unref(conf);
	load_handed("{}", NULL, &conf);
	CU_ASSERT_PTR_NULL(conf);
	CU_ASSERT(said_words("w: listen[0]: there is no socket \"mine\""));
	load_handed("{\"listen\":{\"mine\":\"tcp://[::1]:1\"}}", handed, &conf);
	CU_ASSERT_PTR_NULL(conf);
	CU_ASSERT(said_words("listen.mine: a socket with this name is handed "
			     "over by the program already\n"));
	said_forget();
}

/* -------- signals -------- */

RV_TEST(signals_do_what_is_said_over_what_is_usual)
{
	struct rv_conf *conf =
	    parse("\"signals\":{\"TERM\":\"ignore\",\"SIGUSR1\":{\"forward\":"
		  "[\"w*\",\"/w\"],\"as\":\"USR2\"},\"WINCH\":\"forward\","
		  "\"usr2\":\"reload\",\"RTMIN+1\":{\"forward\":\"/\"}}",
		"");
	const struct rv_signal_rule *rules;

	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT_STRING_EQUAL(rv_buf_str(&said), "");
	rules = conf->signals;
	CU_ASSERT_EQUAL(rules[SIGTERM].act, RV_SIGNAL_IGNORE);
	CU_ASSERT_EQUAL(rules[SIGINT].act, RV_SIGNAL_SHUTDOWN);
	CU_ASSERT_EQUAL(rules[SIGQUIT].act, RV_SIGNAL_SHUTDOWN);
	CU_ASSERT_EQUAL(rules[SIGHUP].act, RV_SIGNAL_RELOAD);
	CU_ASSERT_EQUAL(rules[SIGUSR2].act, RV_SIGNAL_RELOAD);
	CU_ASSERT_EQUAL(rules[SIGCONT].act, RV_SIGNAL_NONE);
	CU_ASSERT_EQUAL(rules[SIGUSR1].act, RV_SIGNAL_FORWARD);
	CU_ASSERT_EQUAL(rules[SIGUSR1].as, SIGUSR2);
	CU_ASSERT_STRING_EQUAL(rules[SIGUSR1].to[0], "w*");
	CU_ASSERT_STRING_EQUAL(rules[SIGUSR1].to[1], "w");
	CU_ASSERT_PTR_NULL(rules[SIGUSR1].to[2]);
	CU_ASSERT_EQUAL(rules[SIGWINCH].act, RV_SIGNAL_FORWARD);
	CU_ASSERT_EQUAL(rules[SIGWINCH].as, SIGWINCH);
	CU_ASSERT_STRING_EQUAL(rules[SIGWINCH].to[0], "*");
	CU_ASSERT_PTR_NULL(rules[SIGWINCH].to[1]);
	CU_ASSERT_EQUAL(rules[SIGRTMIN + 1].as, SIGRTMIN + 1);
	CU_ASSERT_STRING_EQUAL(rules[SIGRTMIN + 1].to[0], "*");
	rv_conf_unref(conf);
	said_forget();
}

RV_TEST(the_name_of_a_supervisor_means_all_below_it)
{
	struct rv_conf *conf = said_parse(
	    "{\"state_dir\":\"/s\",\"signals\":{\"USR1\":{\"forward\":["
	    "\"web\",\"web/app\",\"/db\"]}},\"children\":{\"web\":{"
	    "\"children\":{\"app\":{\"command\":\"x\",\"numprocs\":2},"
	    "\"apple\":{\"command\":\"x\"}}},\"db\":{\"command\":"
	    "\"y\"}}}");
	const char *const *to;

	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT_STRING_EQUAL(rv_buf_str(&said), "");
	to = conf->signals[SIGUSR1].to;
	CU_ASSERT_STRING_EQUAL(to[0], "web/*");
	CU_ASSERT_STRING_EQUAL(to[1], "web/app.[0-9]*");
	CU_ASSERT_STRING_EQUAL(to[2], "db");
	CU_ASSERT_PTR_NULL(to[3]);
	rv_conf_unref(conf);
	said_forget();
}

static const struct {
	const char *signals, *said;
} signals[] = {
	{ "[]", "signals: must be an object, such as {\"HUP\": \"reload\"}\n" },
	{ "{\"HPU\":\"reload\"}",
	    "signals.HPU: \"HPU\" is no signal: use a name like \"TERM\"\n" },
	{ "{\"KILL\":\"ignore\"}", "KILL: SIGKILL cannot be caught\n" },
	{ "{\"STOP\":\"ignore\"}", "SIGSTOP cannot be caught\n" },
	{ "{\"SEGV\":\"ignore\"}",
	    "SIGSEGV is what a fault of the program itself raises\n" },
	{ "{\"ABRT\":\"ignore\"}", "SIGABRT is what a fault" },
	{ "{\"CHLD\":\"forward\"}", "SIGCHLD comes whenever a child ends" },
	{ "{\"PIPE\":\"forward\"}", "SIGPIPE comes with writing" },
	{ "{\"32\":\"forward\"}", "is the C library's own\n" },
	{ "{\"HUP\":\"reload\",\"SIGHUP\":\"reload\"}",
	    "signals.SIGHUP: is the same signal as \"HUP\"\n" },
	{ "{\"HUP\":5}",
	    "signals.HUP: must be \"shutdown\", \"reload\", \"ignore\", "
	    "\"forward\" or {\"forward\":" },
	{ "{\"HUP\":\"restart\"}", "must be \"shutdown\", \"reload\"" },
	{ "{\"HUP\":\"relaod\"}",
	    "\"relaod\" is nothing that a signal does; did you mean "
	    "\"reload\"?\n" },
	{ "{\"HUP\":{}}", "signals.HUP: needs a \"forward\": globs of paths" },
	{ "{\"HUP\":{\"forward\":[]}}", "HUP.forward: names nobody" },
	{ "{\"HUP\":{\"forward\":[5]}}", "forward[0]: must be a string" },
	{ "{\"HUP\":{\"forward\":\"\"}}", "forward: must not be empty\n" },
	{ "{\"HUP\":{\"forward\":[\"w[ab\"]}}",
	    "forward[0]: a [ is not closed in \"w[ab\"\n" },
	{ "{\"HUP\":{\"forward\":[\"w[]\"]}}", "a [ is not closed" },
	{ "{\"HUP\":{\"forward\":\"w\",\"to\":1}}",
	    "HUP.to: unknown; there are \"forward\" and \"as\"\n" },
	{ "{\"HUP\":{\"forward\":\"w\",\"as\":\"NO\"}}",
	    "HUP.as: \"NO\" is no signal" },
	{ "{\"HUP\":{\"forward\":\"w\",\"as\":1}}", "as: must be a string" },
	{ "{\"HUP\":{\"forward\":\"ww\"}}",
	    "forward: there is no unit ww; did you mean \"w\"?\n" },
	{ "{\"HUP\":{\"forward\":[\"nobody/x\"]}}",
	    "forward[0]: there is no unit nobody/x\n" },
};

RV_TEST(each_mistake_about_a_signal_has_its_own_words)
{
	struct rv_conf *conf;

	for (size_t i = 0; i < RV_ARRAY_LEN(signals); i++) {
		char root[512];

		snprintf(
		    root, sizeof(root), "\"signals\":%s", signals[i].signals);
		CU_ASSERT_PTR_NULL(parse(root, ""));
		CU_ASSERT(said_words(signals[i].said));
		CU_ASSERT_PTR_EQUAL(strchr(rv_buf_str(&said), '\n'),
		    rv_buf_str(&said) + said.len - 1);
	}
	conf = parse("\"signals\":{\"HUP\":{\"forward\":\"x/*\"}}", "");
	CU_ASSERT_PTR_NOT_NULL(conf);
	CU_ASSERT(said_words(
	    "warning signals.HUP.forward: no worker matches \"x/*\"\n"));
	rv_conf_unref(conf);
	said_forget();
}

/* -------- generations -------- */

RV_TEST(an_overlap_is_on_where_it_stands)
{
	struct rv_conf *conf = parse("", "\"ready\":\"notify\",\"overlap\":{}");
	const struct rv_overlap *o;

	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT_STRING_EQUAL(rv_buf_str(&said), "");
	o = &rv_conf_find(conf, "w")->overlap;
	CU_ASSERT(o->on);
	CU_ASSERT_EQUAL(o->max, 1);
	CU_ASSERT_EQUAL(o->age, 3600 * RV_SEC);
	CU_ASSERT_EQUAL(o->memory, 0);
	rv_conf_unref(conf);
	conf = parse("\"defaults\":{\"overlap\":{\"max\":16,\"age\":\"never\","
		     "\"memory\":\"1GiB\"},\"ready\":{\"fd\":5}}",
	    "\"numprocs\":2");
	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	o = &rv_conf_find(conf, "w.1")->overlap;
	CU_ASSERT(o->on);
	CU_ASSERT_EQUAL(o->max, 16);
	CU_ASSERT_EQUAL(o->age, RV_FOREVER);
	CU_ASSERT_EQUAL(o->memory, 1 << 30);
	CU_ASSERT_FALSE(rv_conf_find(conf, "w")->overlap.on);
	rv_conf_unref(conf);
	conf = parse("\"defaults\":{\"overlap\":{}}", "\"numprocs\":9");
	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT(said_words("warning defaults.overlap: with \"ready\": "));
	CU_ASSERT_PTR_EQUAL(
	    strchr(rv_buf_str(&said), '\n'), rv_buf_str(&said) + said.len - 1);
	rv_conf_unref(conf);
	conf = parse("", "\"overlap\":{\"max\":2}");
	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT(said_words("warning children.w.overlap: with \"ready\": "
			     "\"started\" the old one is stopped whether or "
			     "not the new one works"));
	rv_conf_unref(conf);
	said_forget();
}

RV_TEST(a_group_has_no_overlap)
{
	struct rv_conf *conf;

	CU_ASSERT_PTR_NULL(parse("\"strategy\":\"one_for_all\"",
	    "\"ready\":\"notify\",\"overlap\":{}"));
	CU_ASSERT(said_words(
	    "error children.w.overlap: cannot be in a group: with one_for_all "
	    "and rest_for_one what stands together is stopped before any of "
	    "it starts\n"));
	CU_ASSERT_PTR_NULL(parse("\"strategy\":\"rest_for_one\"",
	    "\"ready\":\"notify\",\"overlap\":{},\"numprocs\":2"));
	CU_ASSERT(said_words("cannot be in a group"));
	conf = parse("\"strategy\":\"rest_for_one\",\"defaults\":{\"overlap\":"
		     "{}}",
	    "");
	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT_STRING_EQUAL(rv_buf_str(&said), "");
	CU_ASSERT_FALSE(rv_conf_find(conf, "w")->overlap.on);
	rv_conf_unref(conf);
	said_forget();
}

RV_TEST(each_mistake_about_an_overlap_has_its_own_words)
{
	static const struct {
		const char *overlap, *said;
	} cases[] = {
		{ "true", "overlap: must be an object, such as {\"max\": 1, "
			  "\"age\": \"1h\"}\n" },
		{ "{\"max\":0}", "max: 0 is out of range: from 1 to 16\n" },
		{ "{\"max\":17}", "max: 17 is out of range: from 1 to 16\n" },
		{ "{\"age\":0}", "age: is out of range: at least 1ms\n" },
		{ "{\"age\":\"x\"}", "age: must be a duration" },
		{ "{\"memory\":-1}", "memory: must be a size" },
		{ "{\"mem\":1}", "mem: unknown key" },
	};

	for (size_t i = 0; i < RV_ARRAY_LEN(cases); i++) {
		char members[256];

		snprintf(members, sizeof(members),
		    "\"ready\":\"notify\",\"overlap\":%s", cases[i].overlap);
		CU_ASSERT_PTR_NULL(parse("", members));
		CU_ASSERT(said_words(cases[i].said));
	}
	said_forget();
}

RV_TEST(another_overlap_applies_without_a_restart)
{
	static const char *const members[] = { "", ",\"overlap\":{\"max\":2}",
		",\"overlap\":{\"age\":5}", ",\"overlap\":{\"memory\":5}" };
	struct rv_conf *was = parse("", "\"ready\":\"notify\",\"overlap\":{}");

	CU_ASSERT_PTR_NOT_NULL_FATAL(was);
	for (size_t i = 0; i < RV_ARRAY_LEN(members); i++) {
		char text[256];
		struct rv_conf *is;

		snprintf(
		    text, sizeof(text), "\"ready\":\"notify\"%s", members[i]);
		is = parse("", text);
		CU_ASSERT_PTR_NOT_NULL_FATAL(is);
		CU_ASSERT_NOT_EQUAL(rv_conf_find(was, "w")->policy_digest,
		    rv_conf_find(is, "w")->policy_digest);
		CU_ASSERT_EQUAL(rv_conf_find(was, "w")->program_digest,
		    rv_conf_find(is, "w")->program_digest);
		rv_conf_unref(is);
	}
	rv_conf_unref(was);
	said_forget();
}

RV_TEST(every_failing_allocation_about_a_socket_is_survived)
{
	said_without_memory(
	    "{\"state_dir\":\"/s\","
	    "\"signals\":{\"USR1\":{\"forward\":[\"w\",\"*\"]},"
	    "\"USR2\":{\"forward\":\"*\"}},\"listen\":{\"a\":"
	    "\"tcp://[::1]:1\",\"b\":{\"address\":\"unix:///x\"}},"
	    "\"children\":{\"w\":{\"command\":\"x\","
	    "\"listen\":[\"a\",\"b\"],\"ready\":\"notify\","
	    "\"overlap\":{}}}}");
}

RV_SUITE(config_listen, RV_CASE(addresses_become_what_the_kernel_takes),
    RV_CASE(a_host_may_be_a_name), RV_CASE(who_is_offline_looks_no_host_up),
    RV_CASE(instances_share_the_sockets_of_their_worker),
    RV_CASE(each_mistake_about_a_socket_has_its_own_words),
    RV_CASE(one_mistake_about_a_socket_is_told_once),
    RV_CASE(what_has_no_fixed_port_or_shares_it_may_be_alike),
    RV_CASE(a_worker_has_only_so_many_sockets),
    RV_CASE(a_reload_sees_another_socket_under_the_same_name),
    RV_CASE(sockets_of_the_host_need_no_address),
    RV_CASE(signals_do_what_is_said_over_what_is_usual),
    RV_CASE(the_name_of_a_supervisor_means_all_below_it),
    RV_CASE(each_mistake_about_a_signal_has_its_own_words),
    RV_CASE(an_overlap_is_on_where_it_stands), RV_CASE(a_group_has_no_overlap),
    RV_CASE(each_mistake_about_an_overlap_has_its_own_words),
    RV_CASE(another_overlap_applies_without_a_restart),
    RV_CASE(every_failing_allocation_about_a_socket_is_survived))
