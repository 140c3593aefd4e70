/* SPDX-License-Identifier: MIT */
/*
 * Digests of what a reload compares. Policies are zeroed before they are
 * filled, so their bytes can be taken as they are; programs hold pointers and
 * are taken member by member.
 */
#include "config.h"

#include <string.h>

#include "base/hash.h"
#include "config/conf_priv.h"

static uint64_t
add_number(uint64_t h, uint64_t n)
{
	return rv_fnv(h, &n, sizeof(n));
}

static uint64_t
add_text(uint64_t h, const char *text)
{
	return text == NULL ? add_number(h, 0) : rv_fnv_str(h, text);
}

static uint64_t
add_list(uint64_t h, const char *const *list)
{
	for (; list != NULL && *list != NULL; list++) {
		h = rv_fnv_str(h, *list);
	}
	return add_number(h, 1);
}

static uint64_t
add_out(uint64_t h, const struct rv_out *out)
{
	h = add_number(h, out->kind);
	h = add_text(h, out->path);
	h = add_number(h, out->max_bytes);
	return add_number(h, out->backups);
}

static uint64_t
add_limits(uint64_t h, const struct rv_program *p)
{
	for (unsigned i = 0; i < p->n_limits; i++) {
		const struct rv_limit *limit = &p->limits[i];

		h = add_number(h, (uint64_t)limit->resource);
		h = add_number(h, limit->has_soft ? limit->soft : 1);
		h = add_number(h, limit->has_hard ? limit->hard : 1);
		h = add_number(h,
		    (uint64_t)limit->has_soft * 2 + (uint64_t)limit->has_hard);
	}
	return add_number(h, p->n_limits);
}

static uint64_t
add_function(uint64_t h, const struct rv_program *p)
{
	h = add_text(h, p->function);
	h = add_number(h, p->n_args);
	if (p->n_args > 0) {
		h = rv_fnv(h, p->args, p->n_args);
	}
	h = add_number(h, p->args_are_json);
	return add_list(h, p->preload);
}

/* Of another socket under the same name a worker learns by a restart only. */
static uint64_t
add_listen(uint64_t h, const struct rv_conf *conf, const struct rv_program *p)
{
	for (unsigned i = 0; p->listen != NULL && p->listen[i] != NULL; i++) {
		const struct rv_listen *listen =
		    rv_conf_find_listen(conf, p->listen[i]);

		h = rv_fnv_str(h, p->listen[i]);
		if (listen != NULL && listen->address != NULL) {
			const int64_t numbers[] = { listen->kind,
				listen->reuse_port, listen->v6_only };

			h = rv_fnv(h, numbers, sizeof(numbers));
			h = rv_fnv(h, listen->address, listen->address_len);
		}
	}
	return add_number(h, 1);
}

static uint64_t
add_overlap(uint64_t h, const struct rv_overlap *overlap)
{
	const uint64_t numbers[] = { overlap->max, (uint64_t)overlap->age,
		overlap->memory };

	return overlap->on ? rv_fnv(h, numbers, sizeof(numbers)) : h;
}

static uint64_t
digest_program(const struct rv_conf *conf, const struct rv_program *p)
{
	uint64_t h = RV_FNV_INIT;

	h = add_list(h, p->argv);
	h = add_list(h, p->env_set);
	h = add_text(h, p->directory);
	const int64_t numbers[] = { p->clear_env, p->set_user, p->uid,
		p->set_group, p->gid, p->umask, p->set_nice, p->nice,
		p->set_oom, p->oom_score_adj, p->ready, p->ready_fd, p->method,
		p->crash_report };
	h = rv_fnv(h, numbers, sizeof(numbers));
	for (unsigned i = 0; i < p->n_groups; i++) {
		h = add_number(h, p->groups[i]);
	}
	h = add_number(h, p->n_groups);
	h = add_limits(h, p);
	h = add_out(h, &p->out);
	h = add_out(h, &p->err);
	h = add_function(h, p);
	return add_listen(h, conf, p);
}

void
rv_conf_digest(struct rv_loader *l)
{
	const struct rv_conf *conf = &l->block->conf;

	for (uint32_t i = 0; i < conf->n_specs; i++) {
		struct rv_spec *spec =
		    (struct rv_spec *)(uintptr_t)conf->specs[i];
		uint64_t h = RV_FNV_INIT;

		for (unsigned d = 0; d < spec->n_deps; d++) {
			h = rv_fnv_str(h, spec->deps[d]->path);
		}
		spec->deps_digest = h;
		spec->policy_digest = add_overlap(
		    rv_conf_policy_digest(spec->policy), &spec->overlap);
		if (spec->program != NULL) {
			spec->program_digest =
			    digest_program(conf, spec->program);
		}
	}
}
