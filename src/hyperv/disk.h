/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_HYPERV_DISK_H
#define HV_HYPERV_DISK_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

struct bundle;
struct disk;

/*
 * Opens what a disk is, with the caller's rights, for no more than it may do: what is read-only has a descriptor that cannot write. What it is, is told by
 * fstat(2) of that descriptor; that a file is of the format that it is said to be, and names no other file, is checked. dirfd: the layer's directory.
 * Returns the fd and the number of the block device that it is (0: a file), or < 0 with the field in the message.
 */
int disk_open(const struct disk *disk, int layer_dirfd, dev_t *ret_device, struct error *err);

/* Which of mounts[] bind a block device: guest_facts.devices, to be freed; NULL when none does. A source that is not there is found out later. */
bool *disk_find_devices(const struct bundle *bundle);

#endif
