/* SPDX-License-Identifier: MIT */
/* What the files of the tree's face share: units, and what is noted of them. */
#ifndef RV_FACE_TREE_H
#define RV_FACE_TREE_H

#include <reeve/tree.h>

#include "config/load.h"
#include "face/face_priv.h"

/* face_unit.c */
void rv_face_fill_unit(
    struct reeve *, struct rv_unit *, struct reeve_unit_info *);
enum reeve_status rv_face_find(struct reeve *, const char *path,
    struct rv_unit **, struct reeve_error *) RV_MUST_CHECK;

/* face_json.c: the options of a unit as the object of a config; rv_free. */
enum reeve_status rv_face_supervisor_json(char **,
    const struct reeve_supervisor_options *,
    struct reeve_error *) RV_MUST_CHECK;
enum reeve_status rv_face_worker_json(char **,
    const struct reeve_worker_options *, struct reeve_error *) RV_MUST_CHECK;

/*
 * face_source.c: where the conf of this runtime comes from. Made once, from
 * the options; its parts are the runtime's.
 */
enum reeve_status rv_face_source_init(struct reeve *,
    const struct reeve_options *, struct reeve_error *) RV_MUST_CHECK;
void rv_face_source_finish(struct reeve *);
/* After the first load: a later chdir of the host changes nothing. */
enum reeve_status rv_face_source_settle(
    struct reeve *, const struct rv_conf *, struct reeve_error *) RV_MUST_CHECK;
/* Load it, with these units; err is the first finding. */
enum reeve_status rv_face_source_load(struct reeve *,
    const struct rv_declared *, struct rv_conf **,
    struct reeve_error *) RV_MUST_CHECK;

#endif
