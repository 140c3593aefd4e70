/* SPDX-License-Identifier: MIT */
/*
 * reeve: an embeddable supervision runtime. This header takes in all others of
 * libreeve but the adapters of loops, loop_*.h; each of them stands alone and
 * is the manual of its functions. Those of libreeve-ipc (conn.h, queue.h,
 * lock.h, memory.h, bell.h ...) and libreeve-net (net.h) are taken in by who
 * links them. In C++ write `enum reeve_status`: the bare name is that of a
 * function in child.h.
 */
#ifndef REEVE_REEVE_H
#define REEVE_REEVE_H

#include <reeve/child.h>
#include <reeve/client.h>
#include <reeve/config.h>
#include <reeve/control.h>
#include <reeve/error.h>
#include <reeve/event.h>
#include <reeve/function.h>
#include <reeve/pool_unit.h>
#include <reeve/process.h>
#include <reeve/query.h>
#include <reeve/record.h>
#include <reeve/runtime.h>
#include <reeve/self.h>
#include <reeve/share.h>
#include <reeve/status.h>
#include <reeve/time.h>
#include <reeve/tree.h>
#include <reeve/watch.h>

#endif
