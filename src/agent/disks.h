/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_AGENT_DISKS_H
#define HV_AGENT_DISKS_H

#include <stdint.h>

#include "base/error.h"

struct hv_agent_create;

/* Where a container's configuration finds a disk by its number, and where the file system for layers is (hyperv/guest_config.h says the same). */
#define DISKS_DIR "/run/disk"
#define DISKS_LAYER_DIR "/run/layer"

/*
 * Lets go of all disks, before HELLO: a template's have nothing in them, and a driver asks a disk for its size when it takes it and not again. Fine
 * when there are none. Returns 0 or < 0.
 */
int disks_release(struct error *err);

/*
 * Mounts disk i for reading, whatever it has of the file systems that the image of a guest may have. Returns the fd of a detached mount, or < 0.
 */
int disks_open_root(uint32_t i, struct error *err);

/*
 * Takes the disks of a container: each gets its name in DISKS_DIR, and is mounted if the message says so. *ret_config: its config.json with this
 * kernel's numbers in the place of the host's; to be freed. What fails is undone by the VM's end. Returns 0 or < 0.
 */
int disks_take(const struct hv_agent_create *m, char **ret_config, struct error *err);

#endif
