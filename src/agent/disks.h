/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_AGENT_DISKS_H
#define HV_AGENT_DISKS_H

#include "base/error.h"

struct hv_agent_create;

/* Where the file system for layers is (hyperv/guest_config.h says the same). */
#define DISKS_LAYER_DIR "/run/layer"

/*
 * Lets go of all disks, before HELLO: a template's have nothing in them, and a driver asks a disk for its size when it takes it and not again. Fine
 * when there are none. Returns 0 or < 0.
 */
int disks_release(struct error *err);

/* Takes the disks of a container, and mounts them where the message says. What fails is undone by the VM's end. Returns 0 or < 0. */
int disks_take(const struct hv_agent_create *m, struct error *err);

#endif
