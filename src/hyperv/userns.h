/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_HYPERV_USERNS_H
#define HV_HYPERV_USERNS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"
#include "linux/userns.h"

struct oci_config;
struct oci_id_mapping;

/*
 * A machine of a user without privileges: user_namespaces(7). The rights that the share tree, the jail and the VMM's 9p server take are those of root of a
 * user namespace, which the caller of create enters and its worker stays in. There root is the user, and behind it come the other ids of
 * config.json's mappings, which subuid(5) grants. The VMM sees the files' owners so, and so the guest does: the container's own user
 * namespace, if it has one, maps its ids to these.
 */
struct machine_ids {
	struct id_map *worker, *guest;
	size_t n_worker, n_guest;
};

struct machine_userns {
	struct machine_ids uids, gids;
};

/* Divides config.json's mappings, of which own may be one. Pure; for machine_ids_done(). */
void machine_ids_divide(const struct oci_id_mapping *maps, size_t n, uint32_t own, struct machine_ids *ret);
void machine_ids_done(struct machine_ids *ids);

/* The same for users and groups of the calling process. A NULL config has no mappings. Returns 0, or < 0: more lines than the kernel takes. */
int machine_userns_derive(const struct oci_config *config, struct machine_userns *ret, struct error *err);
void machine_userns_done(struct machine_userns *u);
#define _cleanup_machine_userns_ _cleanup_(machine_userns_done)

/*
 * Takes the calling process, which must have one thread, into a user namespace with the worker's mappings and a mount namespace that
 * belongs to it; there is no way back. newuidmap(1) and newgidmap(1) map what is not the user's own. Returns 0 or < 0.
 */
int machine_userns_enter(const struct machine_userns *u, struct error *err);

/*
 * Takes the calling process, the same user's and with one thread, into the user namespace of a worker (its pid and start time, as state.json has them), with a
 * mount namespace of its own: what is opened there the worker can mount. Returns 0 or < 0.
 */
int machine_userns_join(pid_t pid, uint64_t start_time, struct error *err);

#endif
