/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_CONTAINER_MOUNT_IDMAP_H
#define HV_CONTAINER_MOUNT_IDMAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "linux/userns.h"

struct mount_options;
struct oci_id_mapping;
struct oci_mount;

/* A mount, as far as it says whether and how its ids are mapped (runtime-spec config.md, "POSIX-platform Mounts" and "Linux mount options"). */
struct mount_idmap_request {
	const struct oci_mount *mount;
	const struct mount_options *options; /* of it, parsed */
	bool bind;			     /* whether it is a bind mount: no other can have mapped ids */
	struct userns_maps container;	     /* of the container's new user namespace; none: it makes none */
	bool joins;			     /* it joins a user namespace that is there */
};

/*
 * Which mapping the mount has: uidMappings and gidMappings, the option "idmap=", or with "idmap" and "ridmap" the container's own: from
 * ids of the files to those outside of the container. Pure. Returns 0 when its ids are not mapped, 1 and *ret, which is for
 * mount_idmap_done() and has no mappings when they are those of the namespace that is joined, or < 0 with the field that is wrong.
 */
int mount_idmap_get(const struct mount_idmap_request *req, struct userns_maps *ret, struct error *err);

void mount_idmap_done(struct userns_maps *maps);

/* n mappings of config.json as lines of /proc/PID/uid_map, for free(); NULL: there are none. */
struct id_map *mount_idmap_maps(const struct oci_id_mapping *maps, size_t n);

#endif
