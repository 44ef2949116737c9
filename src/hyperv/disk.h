/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_HYPERV_DISK_H
#define HV_HYPERV_DISK_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

struct bundle;
struct disk;
struct guest_config;
struct hv_agent_disk;
struct hv_worker_disk;

/*
 * Opens what a disk is, with the caller's rights, for no more than it may do: what is read-only has a descriptor that cannot write. What it is, is told by
 * fstat(2) of that descriptor; that a file is of the format that it is said to be, and names no other file, is checked. dirfd: the layer's directory.
 * Returns the fd and the number of the block device that it is (0: a file), or < 0 with the field in the message.
 */
int disk_open(const struct disk *disk, int layer_dirfd, dev_t *ret_device, struct error *err);

/*
 * Opens all disks of g and says what the workers are told of them, and the agent: in arrays with room for g->n_disks, borrowing g's strings. The fds are added
 * to fds, the caller's to close whatever happens. A disk's index is its place. Returns 0 or < 0.
 */
struct disk_messages {
	struct hv_worker_disk *workers;
	struct hv_agent_disk *agents;
};
int disk_open_all(const struct guest_config *g, int layer_dirfd, const struct disk_messages *ret, int *fds, size_t *n_fds, struct error *err);

/* Which of mounts[] bind a block device: guest_facts.devices, to be freed; NULL when none does. A source that is not there is found out later. */
bool *disk_find_devices(const struct bundle *bundle);

#endif
