/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Trees for the container's bind mounts that only the parent can open: in a user namespace the child may not
 * walk everywhere, and a mount's ids can be mapped (runtime-spec config.md, mounts[].uidMappings and "idmap")
 * only with privileges over its file system. A mapping is given to the kernel as a user namespace: a process
 * that does nothing else makes it.
 */
#include "native/sources.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/fd.h"
#include "base/mem.h"
#include "linux/mount.h"
#include "linux/sys.h"
#include "native/overlay.h"
#include "native/plan.h"
#include "native/rootfs.h"

static bool same_map(const struct id_map *a, size_t n_a, const struct id_map *b, size_t n_b)
{
	return n_a == n_b && (n_a == 0 || memcmp(a, b, n_a * sizeof(*a)) == 0);
}

static bool same_maps(const struct userns_maps *a, const struct userns_maps *b)
{
	return same_map(a->uids, a->n_uids, b->uids, b->n_uids) &&
	       same_map(a->gids, a->n_gids, b->gids, b->n_gids);
}

/* The user namespace with mounts[index]'s mapping: the one made for an earlier mount, or a new one. */
static int userns_for(const struct sources *s, size_t index, int *made, struct error *err)
{
	const struct plan_mount *mounts = s->plan->rootfs.mounts;
	const struct userns_maps *maps = &mounts[index].idmap;

	if (maps->n_uids == 0)
		return s->userns_fd;
	for (size_t i = 0; i < index; i++)
		if (made[i] >= 0 && same_maps(maps, &mounts[i].idmap))
			return made[i];
	made[index] = userns_new(s->procfs_fd, maps, err);
	return made[index];
}

static int map_ids(const struct sources *s, size_t index, int *made, struct error *err)
{
	const struct plan_mount *m = &s->plan->rootfs.mounts[index];
	int userns, r;

	userns = userns_for(s, index, made, err);
	if (userns < 0)
		return error_wrap(err, "options: \"idmap\"");
	r = mount_set_idmap(s->fds[1 + index], m->options.extra & MOUNT_EXTRA_RIDMAP, userns);
	if (r == -EINVAL)
		return error_set(err, EINVAL,
				 "options: \"idmap\": the file system of \"%s\" does not support it, or has "
				 "it already",
				 m->source);
	return r < 0 ? error_errnum(err, r, "options: \"idmap\"") : 0;
}

/*
 * The host's tree, cut off from the host as rootfs.c does it with all that the child sees: a copy of a shared
 * mount shares, and what is mounted in the container would be mounted on the host too.
 */
static int open_copy(const struct sources *s, const char *path, unsigned extra, bool root, struct error *err)
{
	unsigned wanted = s->plan->rootfs.propagation ? s->plan->rootfs.propagation : MS_SLAVE;
	_cleanup_fd_ int fd = rootfs_open_source(path, extra, err);
	int r;

	if (fd < 0)
		return fd;
	if (wanted & MS_UNBINDABLE || (root && wanted & MS_SHARED))
		wanted = MS_PRIVATE;
	r = mount_set_propagation(fd, wanted | MS_REC);
	return r < 0 ? error_errnum(err, r, "change the propagation of \"%s\"", path) : TAKE_FD(fd);
}

static int open_mount(struct sources *s, size_t index, int *made, struct error *err)
{
	const struct plan_mount *m = &s->plan->rootfs.mounts[index];
	bool idmap = m->options.extra & MOUNT_EXTRA_IDMAP;

	if (m->kind != PLAN_MOUNT_BIND || !(idmap || (s->in_userns && !s->rootless)))
		return 0;
	if (idmap && s->rootless)
		return error_set(err, EPERM, "options: \"idmap\" needs root");
	s->fds[1 + index] = open_copy(s, m->source, m->options.extra, false, err);
	if (s->fds[1 + index] < 0)
		return s->fds[1 + index];
	return idmap ? map_ids(s, index, made, err) : 0;
}

static int open_all(struct sources *s, int *made, struct error *err)
{
	const struct plan_rootfs *root = &s->plan->rootfs;

	if (s->overlay && !s->rootless) {
		s->fds[0] = overlay_mount(s->overlay, err);
		if (s->fds[0] < 0)
			return s->fds[0];
	} else if (s->in_userns && !s->rootless) {
		s->fds[0] = open_copy(s, root->path, MOUNT_EXTRA_RECURSIVE, true, err);
		if (s->fds[0] < 0)
			return error_wrap(err, "root.path");
	}
	for (size_t i = 0; i < root->n_mounts; i++)
		if (open_mount(s, i, made, err) < 0)
			return error_wrap(err, "mounts[%zu] \"%s\"", i, root->mounts[i].destination);
	return 0;
}

static int *no_fds(size_t n)
{
	int *fds = xcalloc(n, sizeof(*fds));

	for (size_t i = 0; i < n; i++)
		fds[i] = -1;
	return fds;
}

int sources_open(struct sources *s, struct error *err)
{
	size_t n = s->plan->rootfs.n_mounts;
	int *made = no_fds(n + 1), r;

	s->fds = no_fds(n + 1);
	r = open_all(s, made, err);
	for (size_t i = 0; i < n; i++)
		fd_close(made[i]);
	free(made);
	return r;
}

void sources_close(struct sources *s)
{
	for (size_t i = 0; s->fds && i < 1 + s->plan->rootfs.n_mounts; i++)
		fd_close(s->fds[i]);
	free(s->fds);
	s->fds = NULL;
}
