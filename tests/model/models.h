/* SPDX-License-Identifier: MIT */
/*
 * All models, of models.def and models_long.def: each is a struct model_NAME in
 * a file of the algorithm that it checks.
 */
#ifndef RV_TESTS_MODELS_H
#define RV_TESTS_MODELS_H

#include "model/model.h"

#define X(name, what) extern const struct model model_##name;
#include "model/models.def"
#include "model/models_long.def"
#undef X

#endif
