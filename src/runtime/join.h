/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_RUNTIME_JOIN_H
#define HV_RUNTIME_JOIN_H

#include "base/error.h"

struct bundle;
struct runtime;

/*
 * For a container that is to be of type HyperV and is in no pod: whether the network namespace that its config.json has a path of is that of another
 * container's virtual machine, whose network it then can only have in there. Where the operator lets it (hyperv.join_network) it becomes a member like a pod's:
 * b->sandbox is set. Where not, and the path is said by way of that machine's worker, as engines do for "the network of that container", it
 * is refused. Any other container goes through as it is. Returns 0 or < 0.
 */
int join_find(struct runtime *rt, struct bundle *b, struct error *err);

#endif
