/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose ids a bind mount's files have: see mount_idmap.h. Both runtime types ask here, so that they cannot differ. */
#include "container/mount_idmap.h"

#include <errno.h>
#include <ocispec/types.h>
#include <stdlib.h>

#include "base/mem.h"
#include "container/idmap_option.h"
#include "linux/mount_options.h"

struct id_map *mount_idmap_maps(const struct oci_id_mapping *maps, size_t n)
{
	struct id_map *ret = n ? xcalloc(n, sizeof(*ret)) : NULL;

	for (size_t i = 0; i < n; i++)
		ret[i] = (struct id_map){ maps[i].container_id, maps[i].host_id, maps[i].size };
	return ret;
}

void mount_idmap_done(struct userns_maps *maps)
{
	free((void *)maps->uids);
	free((void *)maps->gids);
	*maps = (struct userns_maps){ 0 };
}

static struct id_map *copy_map(const struct id_map *map, size_t n)
{
	return n ? xmemdup(map, n * sizeof(*map)) : NULL;
}

static int check(const struct mount_idmap_request *req, bool own, struct error *err)
{
	const struct oci_mount *m = req->mount;

	if (!req->bind)
		return error_set(err, EINVAL,
				 "options: \"idmap\", uidMappings: only bind mounts can have mapped ids");
	if (m->n_uid_mappings > ID_MAPS_MAX || m->n_gid_mappings > ID_MAPS_MAX)
		return error_set(err, E2BIG, "uidMappings, gidMappings: at most %d are possible",
				 ID_MAPS_MAX);
	if (req->options->idmap && own)
		return error_set(err, EINVAL, "options: \"idmap=%s\": there are uidMappings or gidMappings already", req->options->idmap);
	if (!own && !req->options->idmap && !req->container.n_uids && !req->joins)
		return error_set(err, EINVAL,
				 "options: \"idmap\" needs uidMappings and gidMappings, or a user namespace");
	return 0;
}

int mount_idmap_get(const struct mount_idmap_request *req, struct userns_maps *ret, struct error *err)
{
	const struct oci_mount *m = req->mount;
	const struct userns_maps *c = &req->container;
	bool own = m->n_uid_mappings || m->n_gid_mappings;
	int r;

	if (!own && !(req->options->extra & MOUNT_EXTRA_IDMAP))
		return 0;
	r = check(req, own, err);
	if (r == 0 && req->options->idmap)
		r = idmap_option_parse(req->options->idmap, c, ret, err);
	else if (r == 0 && own)
		*ret = (struct userns_maps){ mount_idmap_maps(m->uid_mappings, m->n_uid_mappings),
					     mount_idmap_maps(m->gid_mappings, m->n_gid_mappings), m->n_uid_mappings, m->n_gid_mappings };
	else if (r == 0)
		*ret = (struct userns_maps){ copy_map(c->uids, c->n_uids), copy_map(c->gids, c->n_gids), c->n_uids, c->n_gids };
	return r < 0 ? r : 1;
}
