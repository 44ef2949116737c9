/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_CAPS_H
#define HV_LINUX_CAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct oci_capabilities;

/* The five sets of capabilities(7), one bit per capability number. */
struct caps {
	uint64_t bounding, effective, inheritable, permitted, ambient;
};

/* CAP_CHOWN = 0 ... "CAP_CHOWN" or "chown", any case. Returns the number, or -EINVAL for a name that no
 * kernel has. */
int caps_from_name(const char *name);

/* The name of capability n, NULL when it has none. */
const char *caps_to_name(int n);

/* The highest capability number of the running kernel (asked of it once). */
int caps_last(void);

/* What a process made by us can be given: our own permitted set, or everything the kernel knows in a new user
 * namespace. */
uint64_t caps_grantable(bool new_userns);

/*
 * process.capabilities as bit masks (parent side). A name that is unknown or outside grantable is left out,
 * as the specification demands, and gets a line in *ret_warnings (NULL-terminated, strv_free(); NULL when
 * there is none). oci NULL gives empty sets. Never fails.
 */
void caps_from_oci(const struct oci_capabilities *oci, uint64_t grantable, struct caps *ret,
		   char ***ret_warnings);

/*
 * Child side, async-signal-safe, in this order: caps_drop_bounding(), caps_keep(true), set*id calls,
 * caps_apply(). caps_apply() clears keepcaps, sets permitted, effective, inheritable, clears the ambient set
 * and raises c->ambient there; an ambient capability that cannot be raised is reported in *ret_ambient_failed
 * (may be NULL), not as an error.
 */
int caps_drop_bounding(const struct caps *c, struct error *err);
int caps_keep(bool keep, struct error *err);
int caps_apply(const struct caps *c, uint64_t *ret_ambient_failed, struct error *err);

#endif
