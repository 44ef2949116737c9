/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_NATIVE_SOURCES_H
#define HV_NATIVE_SOURCES_H

#include <stdbool.h>

#include "base/error.h"

struct native_plan;
struct overlay;

/* What the parent opens for the child's mounts, because the child will not be allowed to. */
struct sources {
	const struct native_plan *plan;
	bool in_userns; /* the child will be in a user namespace: it may not walk to all that root may bind */
	bool rootless;
	int userns_fd; /* the user namespace that the container joins; -1 = none */
	int procfs_fd;
	const struct overlay *overlay; /* the root file system; NULL: root.path as it is */
	int *fds; /* detached trees: [0] the root file system, [1 + i] mounts[i]; -1 = the child's */
};

/*
 * Opens them, and maps the ids of those mounts that ask for it: mount_setattr(2) MOUNT_ATTR_IDMAP (5.12), by
 * user namespaces that live no longer than this, one for each different mapping. Returns 0, or < 0;
 * sources_close() in both cases.
 */
int sources_open(struct sources *s, struct error *err);
void sources_close(struct sources *s);

#endif
