/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_HYPERV_IDMAP_H
#define HV_HYPERV_IDMAP_H

#include <stdbool.h>

#include "base/error.h"
#include "linux/userns.h"

struct mount_options;
struct oci_linux;
struct oci_mount;

/*
 * Takes the mapping of ids out of a mount of the configuration for the guest, where nothing is left to be mapped: the share is an id-mapped
 * mount on the host (mount_setattr(2), MOUNT_ATTR_IDMAP), and ids outside of the container's user namespace are the same in the guest as on
 * the host. linux_ has the mappings of that namespace, the container's own or the one that it joins; NULL: it has none. *ret, for
 * mount_idmap_done(), has the mappings, and one more for root where it is not among those that files can have: QEMU's 9p server makes each
 * file as root and gives it away then. *ret has none when nothing is to be mapped. Pure. Returns 0, or < 0 with the option that is wrong.
 */
int idmap_take(struct oci_mount *m, const struct mount_options *o, bool bind, const struct oci_linux *linux_, struct userns_maps *ret, struct error *err);

/*
 * Makes a detached mount an id-mapped one (recursive: with what is mounted below), once and for all (Linux 5.12). Returns 0, or < 0: its
 * file system may not know such mounts, or it is one already.
 */
int idmap_apply(int mount_fd, bool recursive, const struct userns_maps *maps, struct error *err);

#endif
