/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_HYPERV_HYPERV_H
#define HV_HYPERV_HYPERV_H

#include <stdbool.h>

#include "container/isolation.h"

struct hv_template_info;

/* Runtime type HyperV: the same bundle in a virtual machine of its own, with one hvrun-vmwp worker process on the host. */
extern const struct isolation_ops hyperv_ops;

/*
 * Templates, of which the VMs of containers are copies (hyperv/template.h); create makes the one it needs by itself. build: the one for a
 * container without limits, when it is not there. each: calls back for all that are there, and for what is left of half ones. prune: removes
 * those that nothing can use any more, or all; *ret_n tells how many. They return 0 or < 0.
 */
typedef int hyperv_template_fn(void *data, const struct hv_template_info *t, struct error *err);
int hyperv_template_build(const struct env *env, struct error *err);
int hyperv_template_each(const struct env *env, hyperv_template_fn *fn, void *data, struct error *err);
int hyperv_template_prune(const struct env *env, bool all, unsigned *ret_n, struct error *err);

#endif
