/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_HYPERV_HYPERV_H
#define HV_HYPERV_HYPERV_H

#include <stdbool.h>

#include "container/isolation.h"

struct bundle;
struct hv_check_bundle;
struct hv_template_info;
struct oci_doc;
struct report;

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

/* For `hvrun check`: who would run virtual machines here, and on which kernels. Changes nothing. */
void hyperv_check(const struct env *env, struct report *r);

/* Whether a container that asks for nothing special could run here as HyperV. */
int hyperv_usable(const struct env *env, struct error *err);

/* Which machine a bundle would get: rows for people, and in *ret, with strings of doc's, for programs. 0 or < 0. */
int hyperv_describe(const struct env *env, const struct bundle *b, struct report *r, struct hv_check_bundle *ret, struct oci_doc *doc,
		    struct error *err);

#endif
