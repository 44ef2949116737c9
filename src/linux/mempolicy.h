/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_MEMPOLICY_H
#define HV_LINUX_MEMPOLICY_H

#include <stdbool.h>

#include "base/error.h"

struct oci_memory_policy;

enum { MEMPOLICY_NODES_MAX = 1024 }; /* the largest CONFIG_NODES_SHIFT, 10 */

/* What set_mempolicy(2) takes; set = false: leave the policy alone. */
struct mempolicy {
	bool set;
	int mode; /* MPOL_* with MPOL_F_* flags */
	unsigned long nodes[MEMPOLICY_NODES_MAX / (8 * sizeof(unsigned long))];
};

/* linux.memoryPolicy checked: "invalid memory policy mode / flag / node", and which. oci NULL: nothing to
 * set. */
int mempolicy_from_oci(const struct oci_memory_policy *oci, struct mempolicy *ret, struct error *err);

/* Applies it to the calling thread (child side, async-signal-safe). */
int mempolicy_apply(const struct mempolicy *m, struct error *err);

#endif
