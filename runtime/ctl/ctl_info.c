/* SPDX-License-Identifier: MIT */
/*
 * Questions about the runtime itself: version, info, ping. They look and
 * change nothing.
 */
#include "config.h"

#include <unistd.h>

#include "ctl/ctl_priv.h"
#include "sys/sys.h"

/* Of the messages; counts up when one that was understood no longer is. */
#define PROTOCOL 1

static void
put_str(struct rv_jsonw *w, const char *key, const char *value)
{
	rv_jsonw_key(w, key);
	rv_jsonw_str(w, value);
}

static void
put_uint(struct rv_jsonw *w, const char *key, uint64_t value)
{
	rv_jsonw_key(w, key);
	rv_jsonw_uint(w, value);
}

/* 0 stands for none at present. */
static void
put_pid(struct rv_jsonw *w, const char *key, pid_t pid)
{
	rv_jsonw_key(w, key);
	if (pid > 0) {
		rv_jsonw_int(w, pid);
	} else {
		rv_jsonw_null(w);
	}
}

static void
write_files(struct rv_jsonw *w, const struct rv_ctl *ctl)
{
	const struct rv_conf *conf = rv_super_conf(ctl->super);

	put_str(w, "name", conf->name);
	put_str(w, "config", conf->file);
	put_str(w, "config_digest", conf->digest);
	put_str(w, "state_dir", conf->state_dir);
	put_str(w, "runtime_dir", conf->runtime_dir);
	put_str(w, "socket", ctl->path);
}

enum reeve_status
rv_ctl_on_info(
    struct rv_ctl_request *request, struct rv_jsonw *w, struct reeve_error *err)
{
	struct rv_ctl *ctl = request->ctl;
	struct rv_journal *journal = rv_super_journal(ctl->super);
	int64_t started_us = rv_super_started_at_us(ctl->super);
	int64_t up_us = rv_sys_wall_us() - started_us;

	(void)err;
	rv_jsonw_object(w);
	put_str(w, "version", PACKAGE_VERSION);
	write_files(w, ctl);
	put_str(w, "run", rv_super_run_id(ctl->super));
	put_pid(w, "pid", getpid());
	put_pid(w, "launcher_pid", rv_super_launcher_pid(ctl->super));
	put_pid(w, "clerk_pid", rv_super_clerk_pid(ctl->super));
	put_uint(w, "started_at", (uint64_t)RV_MAX(started_us, 0));
	put_uint(w, "uptime_ms", (uint64_t)RV_MAX(up_us, 0) / 1000);
	put_uint(w, "oldest_event", rv_journal_oldest(journal));
	put_uint(w, "next_event", rv_journal_next(journal));
	put_uint(w, "committed_event", rv_journal_committed(journal));
	put_uint(w, "clients", ctl->n_clients);
	rv_jsonw_object_end(w);
	return REEVE_OK;
}

enum reeve_status
rv_ctl_on_version(
    struct rv_ctl_request *request, struct rv_jsonw *w, struct reeve_error *err)
{
	(void)request;
	(void)err;
	rv_jsonw_object(w);
	put_str(w, "version", PACKAGE_VERSION);
	put_uint(w, "protocol", PROTOCOL);
	rv_jsonw_object_end(w);
	return REEVE_OK;
}

enum reeve_status
rv_ctl_on_ping(
    struct rv_ctl_request *request, struct rv_jsonw *w, struct reeve_error *err)
{
	(void)request;
	(void)err;
	rv_jsonw_object(w);
	rv_jsonw_object_end(w);
	return REEVE_OK;
}
