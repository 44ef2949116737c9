/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_USERNS_H
#define HV_LINUX_USERNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* One line of /proc/PID/uid_map, user_namespaces(7). */
struct id_map {
	uint32_t inside, outside, count;
};

enum { ID_MAPS_MAX = 340 }; /* lines, since 4.15 */

/* Where id of the new namespace is outside of it; -1 when it is not mapped. */
int64_t id_map_to_outside(const struct id_map *maps, size_t n, uint32_t id);

struct userns_maps {
	const struct id_map *uids, *gids;
	size_t n_uids, n_gids;
};

/*
 * Writes the maps of process pid's new user namespace: through procfs_fd when we may, else by newuidmap(1)
 * and newgidmap(1), or, for one id that is our own, with setgroups(2) denied first. Parent side. Returns 0,
 * or < 0.
 */
int userns_write_maps(int procfs_fd, pid_t pid, const struct userns_maps *maps, struct error *err);

/*
 * A user namespace with these maps that nobody is in: what MOUNT_ATTR_IDMAP wants. Made by a process that has
 * gone when this returns. Returns a CLOEXEC fd, or < 0.
 */
int userns_new(int procfs_fd, const struct userns_maps *maps, struct error *err);

#endif
