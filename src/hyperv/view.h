/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_HYPERV_VIEW_H
#define HV_HYPERV_VIEW_H

#include <sys/types.h>

#include "base/error.h"

struct guest_config;

/* Whose files. */
struct view_request {
	const struct guest_config *guest;
	pid_t vm;     /* the worker that has the share tree: the container's own, or its sandbox's */
	pid_t worker; /* the container's */
};

/*
 * Who joins the mount namespace of the container's process on the host, as podman cp does, finds the container's files there: its root file system with the bind
 * mounts in their places, by copies of the mounts that the guest has, and where the guest has file systems of its own (tmpfs, proc), or disks, an empty
 * directory that cannot be written. To be called when the container has been made, with its mount points, and before anybody knows the process. With a root file
 * system that only the guest has (a layer, an image) there is nothing to be seen. All or nothing. Returns 0 or < 0.
 */
int view_make(const struct view_request *req, struct error *err);

#endif
