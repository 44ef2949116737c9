/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_RUNTIME_LEFTOVER_H
#define HV_RUNTIME_LEFTOVER_H

#include <stdbool.h>

#include "base/error.h"
#include "runtime/lifecycle.h"

struct container;

/*
 * Removes the control group that create makes for this container, when it is there. kill: with its processes, which must be
 * the container's; else < 0 when it has any after two seconds.
 */
int leftover_group(struct runtime *rt, struct container *c, bool kill, struct error *err);

/*
 * delete --force of a container whose state cannot be read, as why says: its processes, found by its control group, the
 * group, and the directory. Returns 0 also when there is no directory.
 */
int leftover_delete(struct runtime *rt, const char *id, const struct error *why, struct error *err);

/* Removes what killed creates have left under their temporary names: nobody's lock, and older than ten seconds. */
void leftover_sweep(struct runtime *rt);

#endif
