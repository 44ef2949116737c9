/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Mounts of type "cgroup" (cgroups(7)): what the container sees of its control groups. v2: the hierarchy
 * itself in a cgroup namespace of its own, else just the container's directory. v1 and hybrid: a tmpfs with
 * one directory for each hierarchy, named as on the host, and links for controllers that share one. Read-only
 * unless the configuration says otherwise (CVE-2023-25809).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "linux/cgroup/cgroup.h"
#include "linux/mount.h"
#include "linux/sys.h"
#include "native/plan.h"
#include "native/rootfs.h"

enum { CONTROLLERS_MAX = 256 };

/* The v1 hierarchy anew: its root is that of the cgroup namespace. */
static int new_v1(const struct cgroup_hierarchy *h, uint64_t attributes, struct error *err)
{
	char text[CONTROLLERS_MAX];
	const char *data[32];
	struct mount_fs fs = { .type = "cgroup", .source = "cgroup", .data = data, .attributes = attributes };
	char *rest = text, *one;

	if (strlen(h->controllers) >= sizeof(text))
		return error_set(err, ENAMETOOLONG, "controllers \"%s\"", h->controllers);
	strcpy(text, h->controllers);
	while ((one = strsep(&rest, ",")) && fs.n_data < ARRAY_SIZE(data))
		data[fs.n_data++] = one;
	return mount_new_fs(&fs, err);
}

static int new_hierarchy(const struct cgroup_hierarchy *h, uint64_t attributes, struct error *err)
{
	const struct mount_fs v2 = { .type = "cgroup2", .source = "cgroup", .attributes = attributes };

	return h->controllers[0] ? new_v1(h, attributes, err) : mount_new_fs(&v2, err);
}

/* A mount of the hierarchy, detached: new in a cgroup namespace, else (or where that is forbidden) the
 * group's directory. */
static int open_hierarchy(struct rootfs *r, const struct cgroup_hierarchy *h, uint64_t attributes,
			  struct error *err)
{
	int fd;

	if (r->new_cgroupns) {
		fd = new_hierarchy(h, attributes, err);
		if (fd >= 0 || (fd != -EPERM && fd != -EBUSY))
			return fd;
	}
	fd = mount_clone(AT_FDCWD, cgroup_process_dir(r->cgroup, h), true);
	return fd < 0 ? error_errnum(err, fd, "bind \"%s\"", cgroup_process_dir(r->cgroup, h)) : fd;
}

static int attach_hierarchy(struct rootfs *r, const struct cgroup_hierarchy *h, int target,
			    const struct mount_options *o, struct error *err)
{
	_cleanup_fd_ int fd = open_hierarchy(r, h, o->attr.set, err);
	int x;

	if (fd < 0)
		return fd;
	x = mount_attach(fd, target, o);
	return x < 0 ? error_errnum(err, x, "mount the cgroup hierarchy \"%s\"", h->controllers) : 0;
}

/* cpu and cpuacct lead to cpu,cpuacct. */
static int link_controllers(int dirfd, const struct cgroup_hierarchy *h, const char *name, struct error *err)
{
	char text[CONTROLLERS_MAX];
	char *rest = text, *one;

	snprintf(text, sizeof(text), "%s", h->controllers);
	while ((one = strsep(&rest, ","))) {
		int x = str_eq(one, name) || !one[0] || str_skip_prefix(one, "name=")
				? 0
				: sys_symlinkat(name, dirfd, one);

		if (x < 0 && x != -EEXIST)
			return error_errnum(err, x, "link cgroup controller \"%s\"", one);
	}
	return 0;
}

static int mount_one_v1(struct rootfs *r, const struct cgroup_hierarchy *h, int dirfd,
			const struct mount_options *o, struct error *err)
{
	const char *name = path_basename(h->mount_point);
	_cleanup_fd_ int target = -1;
	int x = sys_mkdirat(dirfd, name, 0755);

	if (x == 0)
		x = target = sys_openat(dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
	if (x < 0)
		return error_errnum(err, x, "make a directory for cgroup controllers \"%s\"", name);
	x = attach_hierarchy(r, h, target, o, err);
	return x < 0 ? x : link_controllers(dirfd, h, name, err);
}

static int mount_v1(struct rootfs *r, const struct plan_mount *m, int target, struct error *err)
{
	static const char *const data[] = { "mode=0755", "size=64k" };
	const struct mount_fs tmpfs = {
		.type = "tmpfs",
		.source = "cgroup",
		.data = data,
		.n_data = ARRAY_SIZE(data),
		.context = r->plan->mount_label,
		.attributes = m->options.attr.set & ~(uint64_t)MOUNT_ATTR_RDONLY,
	};
	const struct mount_attributes final = m->options.attr;
	_cleanup_fd_ int fd = mount_new_fs(&tmpfs, err);
	const struct cgroup_hierarchy *h;
	size_t n = cgroup_hierarchies(r->cgroup, &h);
	int x = fd < 0 ? fd : mount_attach(fd, target, &(struct mount_options){ 0 });

	if (fd < 0)
		return fd;
	if (x < 0)
		return error_errnum(err, x, "put the mount in its place");
	for (size_t i = 0; x == 0 && i < n; i++)
		x = mount_one_v1(r, &h[i], fd, &m->options, err);
	if (x < 0)
		return x;
	x = mount_set_attributes(fd, false, &final);
	return x < 0 ? error_errnum(err, x, "mount_setattr") : 0;
}

int rootfs_mount_cgroup(struct rootfs *r, const struct plan_mount *m, int target, struct error *err)
{
	const struct cgroup_hierarchy *h;

	/* without a group of its own (manager "disabled") there is nothing to show */
	if (cgroup_hierarchies(r->cgroup, &h) == 0)
		return 0;
	if (cgroup_mode(r->cgroup) == CGROUP_MODE_V2)
		return attach_hierarchy(r, h, target, &m->options, err);
	return mount_v1(r, m, target, err);
}
