/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_RLIMIT_H
#define HV_LINUX_RLIMIT_H

#include <stddef.h>
#include <sys/resource.h>

#include "base/error.h"

struct oci_rlimit;

/* Resource limits to set, getrlimit(2), in the order given but RLIMIT_NOFILE last (it may forbid to open what
 * is still needed). */
struct rlimits {
	size_t n;
	struct {
		int resource;
		struct rlimit limit;
	} items[RLIM_NLIMITS];
};

/* process.rlimits checked: unknown names, duplicates and soft > hard are errors that name process.rlimits[i].
 */
int rlimits_from_oci(const struct oci_rlimit *oci, size_t n, struct rlimits *ret, struct error *err);

/* The calling process's own limits, RLIM_NLIMITS of them in the order of the spec's types, for whoever runs
 * elsewhere what would inherit them here. Returns 0, or < 0 when the kernel does not tell one. */
int rlimits_inherited(struct oci_rlimit *ret, struct error *err);

/* "RLIMIT_NOFILE" ... of a resource number, for messages. */
const char *rlimit_to_string(int resource);

/*
 * Raises the calling process's own hard limits to theirs, for a child that sets them in a user namespace, where nobody may raise one (setrlimit(2):
 * CAP_SYS_RESOURCE in the initial one). What we may not raise either stays, and rlimits_apply() says so.
 */
void rlimits_make_room(const struct rlimits *r);

/* Sets them for the calling process (child side, async-signal-safe). */
int rlimits_apply(const struct rlimits *r, struct error *err);

#endif
