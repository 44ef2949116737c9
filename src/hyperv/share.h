/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_HYPERV_SHARE_H
#define HV_HYPERV_SHARE_H

#include <stdbool.h>

#include "base/error.h"

struct share;

/*
 * Opens what a share is: a detached copy of the mount, with its final attributes (open_tree(2),
 * mount_setattr(2)). Nothing on the host is ever executed, used as a device or with privileges from there.
 * Returns the fd and whether it is a file, or < 0; something that is neither file nor directory cannot be
 * shared.
 */
int share_open(const struct share *share, bool *ret_file, struct error *err);

#endif
