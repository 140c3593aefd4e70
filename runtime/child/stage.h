/* SPDX-License-Identifier: MIT */
/* The steps of a launch, by number. */
#ifndef RV_CHILD_STAGE_H
#define RV_CHILD_STAGE_H

enum rv_stage {
	RV_STAGE_NONE = 0,
#define X(symbol, number, who, text) RV_STAGE_##symbol = number,
#include "child/stage.def"
#undef X
};

#endif
