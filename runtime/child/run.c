/* SPDX-License-Identifier: MIT */
/* Functions in the process that runs them: see run.h. */
#include "config.h"

#include "child/run.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <reeve/function.h>

#include "child/agent.h"
#include "child/lifeline.h"
#include "child/stage.h"

#define FAILED                                                         \
	127 /* exit code of a process that did not become its function \
	     */

/* Why there is no function. */
struct flaw {
	int stage, sys_errno;
	char text[256];
};

/* A module and its function; *fn stays NULL when only the module is named. */
static bool
find_in_module(const char *name, const char *colon, reeve_function_fn **fn,
    struct flaw *flaw)
{
	char path[4096];
	size_t len = colon != NULL ? (size_t)(colon - name) : strlen(name);
	void *module, *symbol;

	if (len >= sizeof(path)) {
		flaw->stage = RV_STAGE_MODULE;
		flaw->sys_errno = ENAMETOOLONG;
		return false;
	}
	memcpy(path, name, len);
	path[len] = '\0';
	/* Kept for the life of the process. */
	module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (module == NULL) {
		flaw->stage = RV_STAGE_MODULE;
		flaw->sys_errno = access(path, R_OK) == -1 ? errno : ENOEXEC;
		snprintf(flaw->text, sizeof(flaw->text), "%s", dlerror());
		return false;
	}
	if (colon == NULL) {
		return true;
	}
	symbol = dlsym(module, colon + 1);
	if (symbol == NULL) {
		flaw->stage = RV_STAGE_FUNCTION;
		flaw->sys_errno = ENOENT;
		snprintf(flaw->text, sizeof(flaw->text),
		    "%.120s has no function %.100s", path, colon + 1);
		return false;
	}
	memcpy(fn, &symbol, sizeof(symbol));
	return true;
}

static bool
find(const char *name, reeve_function_fn **fn, struct flaw *flaw)
{
	const char *slash = strrchr(name, '/');
	const char *colon = strchr(slash != NULL ? slash : name, ':');
	enum reeve_status status;

	if (slash != NULL || colon != NULL) {
		return find_in_module(name, colon, fn, flaw);
	}
	status = reeve_function_find(name, fn);
	if (status != REEVE_OK) {
		flaw->stage = RV_STAGE_FUNCTION;
		flaw->sys_errno = status == REEVE_EEXIST ? EEXIST : ENOENT;
		snprintf(flaw->text, sizeof(flaw->text),
		    status == REEVE_EEXIST
			? "%.200s is registered twice in this program"
			: "%.200s is not registered in this program",
		    name);
	}
	return status == REEVE_OK;
}

static enum reeve_status
status_of(const struct flaw *flaw)
{
	if (flaw->stage != RV_STAGE_FUNCTION) {
		return REEVE_ESYS;
	}
	return flaw->sys_errno == EEXIST ? REEVE_EEXIST : REEVE_ENOENT;
}

enum reeve_status
reeve_function_load(
    const char *name, reeve_function_fn **fn, char *text, size_t size)
{
	struct flaw flaw = { 0 };
	reeve_function_fn *found = NULL;

	if (name == NULL || fn == NULL) {
		return REEVE_EINVALID;
	}
	if (!find(name, &found, &flaw)) {
		snprintf(text, size, "%s",
		    flaw.text[0] != '\0' ? flaw.text
					 : strerror(flaw.sys_errno));
		return status_of(&flaw);
	}
	if (found == NULL) {
		snprintf(text, size, "%.200s names no function", name);
		return REEVE_EINVALID;
	}
	*fn = found;
	return REEVE_OK;
}

static void
give_up(const struct flaw *flaw)
{
	rv_agent_trouble_start(flaw->stage, flaw->sys_errno, "%s", flaw->text);
	_exit(FAILED);
}

static char *title; /* what ps shows of this process, or NULL */
static size_t title_room;

void
rv_run_title(char *argv0)
{
	title = argv0;
	title_room = argv0 != NULL ? strlen(argv0) : 0;
}

/* Not by printf, which is a large part of libc to map for this. */
static void
set_title(const char *path)
{
	static const char lead[] = "reeve: ";
	size_t n = sizeof(lead) - 1, len = strlen(path);

	n = n < title_room ? n : title_room;
	len = len < title_room - n ? len : title_room - n;
	memset(title, 0, title_room);
	memcpy(title, lead, n);
	memcpy(title + n, path, len);
}

/* What ps and top show: the last part of the path. */
static void
take_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	prctl(
	    PR_SET_NAME, slash != NULL && slash[1] != '\0' ? slash + 1 : path);
	if (title != NULL) {
		set_title(path);
	}
}

/* `reeve why` knows it by its name, and shows no frame behind it. */
static int __attribute__((noinline))
rv_run_function(const struct rv_call *from, reeve_function_fn *fn)
{
	struct reeve_call call = {
		.size = sizeof(call),
		.function = from->function,
		.path = from->path,
		.args = from->args != NULL ? from->args : "",
		.args_len = from->args_len,
		.args_are_json = from->args_are_json,
	};

	return fn(&call) & 0xff;
}

static reeve_function_fn *
begin(const struct rv_call *call)
{
	reeve_function_fn *fn = NULL;
	struct flaw flaw = { 0 };

	if (call->path == NULL || call->function == NULL) {
		_exit(FAILED);
	}
	take_name(call->path);
	rv_agent_start();
	rv_self_begin();
	if (!find(call->function, &fn, &flaw) || fn == NULL) {
		give_up(&flaw);
	}
	return fn;
}

/* No function has this name, so that all of them are looked at. */
void
rv_run_rehearse(void)
{
	reeve_function_fn *fn = NULL;
	struct flaw flaw = { 0 };

	take_name("(spare)");
	find("", &fn, &flaw);
}

void
rv_run_called(
    const struct rv_call *call, void (*in_child)(void *ctx), void *ctx)
{
	reeve_function_fn *fn;
	int code;

	fn = begin(call);
	if (in_child != NULL) {
		in_child(ctx);
	}
	code = rv_run_function(call, fn);
	fflush(NULL);
	_exit(code);
}

void
rv_run_spawned(const struct rv_call *call)
{
	char own[RV_CALL_BUILD];
	reeve_function_fn *fn;
	struct flaw flaw = { .stage = RV_STAGE_BUILD, .sys_errno = ESTALE };

	rv_call_own_build(own);
	if (call->build[0] != '\0' && strcmp(call->build, own) != 0) {
		rv_agent_start();
		snprintf(flaw.text, sizeof(flaw.text),
		    "the program is build %.48s, its host is %.48s: start the "
		    "host anew",
		    own[0] != '\0' ? own : "unknown", call->build);
		give_up(&flaw);
	}
	fn = begin(call);
	exit(rv_run_function(call, fn));
}

bool
rv_run_preload(const char *what, int32_t *sys_errno, char *text, size_t size)
{
	reeve_function_fn *fn = NULL;
	struct reeve_call call = {
		.size = sizeof(call),
		.function = what,
		.path = "",
		.args = "",
	};
	struct flaw flaw = { 0 };
	int code;

	if (!find(what, &fn, &flaw)) {
		*sys_errno = flaw.sys_errno;
		snprintf(text, size, "cannot preload %.80s: %.160s", what,
		    flaw.text[0] != '\0' ? flaw.text
					 : strerror(flaw.sys_errno));
		return false;
	}
	code = fn != NULL ? fn(&call) : 0;
	if (code != 0) {
		*sys_errno = ECANCELED;
		snprintf(
		    text, size, "preloading %.80s: it returned %d", what, code);
	}
	return code == 0;
}
