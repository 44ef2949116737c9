/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_HYPERV_SHARE_H
#define HV_HYPERV_SHARE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct guest_config;
struct hv_worker_share;
struct share;

/*
 * Opens what a share is: a detached copy of the mount, or an overlayfs that is made for it, with its final
 * attributes (open_tree(2), fsopen(2), mount_setattr(2)). Nothing on the host is ever executed, used as a device or with privileges from there.
 * Returns the fd and whether it is a file, or < 0; something that is neither file nor directory cannot be
 * shared.
 */
int share_open(const struct share *share, bool *ret_file, struct error *err);

/*
 * Opens all shares of a container: appends the descriptors to fds, which has room for them, and allocates what the worker is told of them.
 * Both are the caller's in any case; the names are borrowed. Returns 0 or < 0.
 */
int share_open_all(const struct guest_config *g, struct hv_worker_share **ret, int *fds, size_t *n_fds, struct error *err);

#endif
