/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_NATIVE_LOW_MEMORY_H
#define HV_NATIVE_LOW_MEMORY_H

#include <stdbool.h>

#include "base/error.h"

struct cgroup;
struct container;

/*
 * When the OOM killer has been at work in cg: the error that says so, with the limit and what would do. Returns 0 when it has not, or
 * nobody knows, and then *err is as it was; else -ENOMEM.
 */
int low_memory_error(const struct cgroup *cg, struct error *err);

/*
 * The same for a container's process that has ended on its way to execve(2): 0 as well when it is the user's program by now, or, unless
 * gone_counts, when there is nothing left of it to tell what it was.
 */
int low_memory_before_exec(const struct container *c, bool gone_counts, struct error *err);

#endif
