/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_AGENT_DISKS_H
#define HV_AGENT_DISKS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct hv_agent_create;
struct hv_agent_disk;

/* Where a container's configuration finds a disk by its number, and where the file system for layers is (hyperv/guest_config.h says the same). */
#define DISKS_DIR "/run/disk"
#define DISKS_LAYER_DIR "/run/layer"

/*
 * Notes which device has which number, as long as the driver has them all. Before anything else here, once. Returns 0 or < 0.
 */
int disks_note(struct error *err);

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
 * kernel's numbers in the place of the host's; to be freed. Returns 0, or < 0: disks_give_back() undoes what has been done.
 */
int disks_take(const struct hv_agent_create *m, char **ret_config, struct error *err);

/*
 * The reverse, when the container is gone: what was written is on the disks, and the kernel lets go of them, whoever has them open. Of what has not been
 * taken there is nothing to do. Returns 0, or < 0 when the kernel has one still; the others are given back all the same.
 */
int disks_give_back(const struct hv_agent_disk *disks, size_t n, struct error *err);

/* Where the one with the container's layer is mounted; NULL: none has. Borrowed. */
const char *disks_layer_dir(const struct hv_agent_disk *disks, size_t n);

#endif
