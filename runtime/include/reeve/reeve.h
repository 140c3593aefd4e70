/* SPDX-License-Identifier: MIT */
/*
 * reeve: an embeddable supervision runtime. This header takes in all that is a
 * host's; each of them stands alone and is the manual of its functions. Apart
 * from it are child.h and function.h, which are for workers, and the adapters
 * of loops, loop_*.h.
 */
#ifndef REEVE_REEVE_H
#define REEVE_REEVE_H

#include <reeve/child.h>
#include <reeve/client.h>
#include <reeve/config.h>
#include <reeve/error.h>
#include <reeve/event.h>
#include <reeve/function.h>
#include <reeve/query.h>
#include <reeve/runtime.h>
#include <reeve/status.h>
#include <reeve/tree.h>
#include <reeve/watch.h>

#endif
