/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_CONTAINER_HOT_MOUNT_H
#define HV_CONTAINER_HOT_MOUNT_H

#include <stdbool.h>

#include "base/error.h"
#include "linux/mount_options.h"

struct oci_mount;

/* A mount that is to be added to a running container, or removed from it. options.data is m's. */
struct hot_mount {
	struct mount_options options;
	bool bind; /* else tmpfs */
};

/*
 * What both runtime types refuse of an array's element (config.md, "Mounts"), before anything is changed. remove looks at the destination and
 * the options only. Pure. Returns 0 and *ret, or < 0.
 */
int hot_mount_parse(const struct oci_mount *m, bool add, struct hot_mount *ret, struct error *err);

#endif
