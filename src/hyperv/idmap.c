/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bind mounts whose ids are mapped. A mapping leads from ids of the files to ids outside of the container, and the guest is outside: root there,
 * and the container's user namespace with the mappings that it would have on the host. So all of it is done by the host's kernel, and whoever serves
 * the share sees and makes mapped ids without knowing.
 */
#include "hyperv/idmap.h"

#include <errno.h>
#include <ocispec/types.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "container/mount_idmap.h"
#include "linux/mount.h"
#include "linux/mount_options.h"
#include "linux/procfs.h"

#define ID_MAX (UINT32_MAX - 1) /* -1 is no id */

static bool is_within(uint32_t id, uint32_t first, uint32_t count)
{
	return id >= first && id - first < count;
}

/* The greatest id of files that no mapping has: nobody has such files. */
static int64_t find_unused(const struct id_map *maps, size_t n)
{
	int64_t id = ID_MAX;

	for (size_t i = 0; i < n && id >= 0;)
		if (is_within((uint32_t)id, maps[i].inside, maps[i].count)) {
			id = (int64_t)maps[i].inside - 1;
			i = 0; /* the ones before may have this */
		} else {
			i++;
		}
	return id;
}

static int add_root(const struct id_map **maps, size_t *n, const char *field, struct error *err)
{
	int64_t unused = find_unused(*maps, *n);
	struct id_map *all;

	for (size_t i = 0; i < *n; i++)
		if (is_within(0, (*maps)[i].outside, (*maps)[i].count))
			return 0;
	if (unused < 0 || *n == ID_MAPS_MAX)
		return error_set(err, E2BIG, "%s: root is not among what ids are mapped to, and %s: a virtual machine's server of files needs one for itself", field,
				 unused < 0 ? "all ids are used" : "there are as many mappings as are possible");
	all = xcalloc(*n + 1, sizeof(*all));
	for (size_t i = 0; i < *n; i++)
		all[i] = (*maps)[i];
	all[*n] = (struct id_map){ .inside = (uint32_t)unused, .outside = 0, .count = 1 };
	free((void *)*maps);
	*maps = all;
	*n += 1;
	return 0;
}

static bool is_ours(const char *option)
{
	return str_eq(option, "idmap") || str_eq(option, "ridmap") || str_skip_prefix(option, "idmap=");
}

/* The list stays NULL-terminated. */
static void take_out(struct oci_mount *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_options; i++)
		if (!is_ours(m->options[i]))
			m->options[n++] = m->options[i];
	if (n < m->n_options)
		m->options[n] = NULL;
	m->n_options = n;
	m->uid_mappings = m->gid_mappings = NULL;
	m->n_uid_mappings = m->n_gid_mappings = 0;
}

int idmap_take(struct oci_mount *m, const struct mount_options *o, bool bind, const struct oci_linux *linux_, struct userns_maps *ret, struct error *err)
{
	struct mount_idmap_request req = { .mount = m, .options = o, .bind = bind };
	struct userns_maps maps = { 0 };
	int r;

	if (linux_)
		req.container = (struct userns_maps){ mount_idmap_maps(linux_->uid_mappings, linux_->n_uid_mappings),
						      mount_idmap_maps(linux_->gid_mappings, linux_->n_gid_mappings), linux_->n_uid_mappings,
						      linux_->n_gid_mappings };
	r = mount_idmap_get(&req, &maps, err);
	mount_idmap_done(&req.container);
	if (r > 0)
		r = add_root(&maps.uids, &maps.n_uids, "uidMappings", err);
	if (r == 0 && maps.n_uids)
		r = add_root(&maps.gids, &maps.n_gids, "gidMappings", err);
	if (r < 0) {
		mount_idmap_done(&maps);
		return r;
	}
	take_out(m);
	*ret = maps;
	return 0;
}

int idmap_apply(int mount_fd, bool recursive, const struct userns_maps *maps, struct error *err)
{
	_cleanup_fd_ int procfs = procfs_open(err);
	_cleanup_fd_ int userns = procfs < 0 ? procfs : userns_new(procfs, maps, err);
	int r;

	if (userns < 0)
		return error_wrap(err, "options: \"idmap\"");
	r = mount_set_idmap(mount_fd, recursive, userns);
	if (r == -EINVAL)
		return error_set(err, EINVAL, "options: \"idmap\": the file system does not support it, or has it already");
	if (r == -EPERM)
		return error_set(err, EPERM, "options: \"idmap\" needs root");
	return r < 0 ? error_errnum(err, r, "options: \"idmap\"") : 0;
}
