/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mounts and linux.devices as data: which kind of mount each entry is, its options parsed, its source
 * absolute, and the devices every container has (config-linux.md, "Default Devices") added to those asked
 * for.
 */
#include <errno.h>
#include <ocispec/types.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "container/bundle.h"
#include "container/mount_idmap.h"
#include "linux/sys.h"
#include "native/plan_private.h"

/* "/proc" and the like whatever way they are written. */
static bool is_path(const char *path, const char *normal)
{
	_cleanup_free_ char *joined = path_join("/", path);
	_cleanup_free_ char *clean = path_normalize(joined);

	return str_eq(clean, normal);
}

static bool is_plain_dir(const char *destination)
{
	return is_path(destination, "/proc") || is_path(destination, "/sys") || is_path(destination, "/dev");
}

static bool has_option(const struct mount_options *o, const char *prefix)
{
	for (size_t i = 0; i < o->n_data; i++) {
		const char *rest = o->data[i], *one;
		size_t n;

		while ((one = mount_options_next_datum(&rest, &n)))
			if (str_skip_prefix(one, prefix))
				return true;
	}
	return false;
}

static enum plan_mount_kind kind_of(const struct plan_mount *m)
{
	if (m->options.extra & MOUNT_EXTRA_REMOUNT)
		return PLAN_MOUNT_REMOUNT;
	if ((m->options.extra & MOUNT_EXTRA_BIND) || str_eq(m->type, "bind"))
		return PLAN_MOUNT_BIND;
	if (str_eq(m->type, "cgroup") || str_eq(m->type, "cgroup2"))
		return PLAN_MOUNT_CGROUP;
	return PLAN_MOUNT_FS;
}

/* /proc takes a proc file system, or bind mounts, as lxcfs and engines that are in containers themselves have them. What the runtime
 * itself reads and writes in there it does not find by way of these mounts (procfs.h). */
static int check_proc(const struct plan_mount *m, struct error *err)
{
	if (is_path(m->destination, "/proc") && m->kind == PLAN_MOUNT_FS && !str_eq(m->type, "proc"))
		return error_set(err, EINVAL,
				 "destination \"%s\": only type proc, not \"%s\", may be mounted there",
				 m->destination, m->type ? m->type : "");
	return 0;
}

/* There is no file system to be told of an option: mount(2) ignores it. */
static int check_bind_options(const struct mount_options *o, struct error *err)
{
	for (size_t i = 0; i < o->n_data; i++)
		if (!mount_options_is_superblock_flag(o->data[i]) && !mount_options_is_moot(o->data[i]))
			return error_set(err, EINVAL, "options: \"%s\" is not an option of bind mounts",
					 o->data[i]);
	return 0;
}

static int check_kind(const struct plan_mount *m, struct error *err)
{
	int r = m->kind == PLAN_MOUNT_BIND ? check_bind_options(&m->options, err) : 0;

	if (r < 0)
		return r;
	if (m->kind == PLAN_MOUNT_BIND && str_is_empty(m->source))
		return error_set(err, EINVAL, "source: missing, but a bind mount needs one");
	if (m->kind == PLAN_MOUNT_FS && str_is_empty(m->type))
		return error_set(err, EINVAL, "type: missing, and no option \"bind\" or \"rbind\"");
	return check_proc(m, err);
}

/* A user namespace that it joins is asked for by fd. */
static int plan_idmap(const struct plan_namespaces *ns, const struct oci_mount *from, struct plan_mount *m,
		      struct error *err)
{
	struct mount_idmap_request req = { .mount = from, .options = &m->options, .bind = m->kind == PLAN_MOUNT_BIND,
					   .container = { ns->uids, ns->gids, ns->n_uids, ns->n_gids } };
	int r;

	for (size_t i = 0; i < ns->n_join; i++)
		req.joins |= ns->join[i].type == CLONE_NEWUSER;
	r = mount_idmap_get(&req, &m->idmap, err);
	if (r > 0)
		m->options.extra |= MOUNT_EXTRA_IDMAP;
	return r < 0 ? r : 0;
}

/* A kernel's disks are what they are, which is called raw. */
static int take_disk_format(struct mount_options *o, struct error *err)
{
	size_t n = 0;

	for (size_t i = 0; i < o->n_data; i++) {
		const char *format = str_skip_prefix(o->data[i], MOUNT_OPTION_DISK_FORMAT);

		if (format && !str_eq(format, "raw"))
			return error_set(err, EINVAL, "options: \"%s\": only runtime type HyperV has disks of a format, here \"raw\" is possible", o->data[i]);
		if (!format)
			o->data[n++] = o->data[i];
	}
	o->n_data = n;
	return 0;
}

static int plan_mount(struct native_plan *p, const struct bundle *b, const struct oci_mount *from,
		      struct plan_mount *m, struct error *err)
{
	int r = mount_options_parse(from->options, from->n_options, &m->options, err);

	if (r == 0)
		r = take_disk_format(&m->options, err);
	if (r < 0)
		return r;
	m->destination = from->destination;
	m->source = from->source;
	m->type = from->type;
	m->kind = kind_of(m);
	m->plain_dir = is_plain_dir(from->destination);
	m->inherit_mode = str_eq(m->type, "tmpfs") && !has_option(&m->options, "mode=");
	r = check_kind(m, err);
	if (r == 0)
		r = plan_idmap(&p->namespaces, from, m, err);
	if (r < 0)
		return r;
	if (m->kind == PLAN_MOUNT_BIND && !path_is_absolute(m->source))
		m->source = plan_own(p, path_join(b->path, m->source));
	return 0;
}

int plan_mounts(struct native_plan *p, const struct bundle *b, struct error *err)
{
	const struct oci_config *c = b->config;

	p->rootfs.mounts = xcalloc(c->n_mounts, sizeof(*p->rootfs.mounts));
	p->rootfs.populate_dev = true;
	for (size_t i = 0; i < c->n_mounts; i++) {
		struct plan_mount *m = &p->rootfs.mounts[p->rootfs.n_mounts++];
		int r = plan_mount(p, b, &c->mounts[i], m, err);

		if (r < 0)
			return error_wrap(err, "mounts[%zu] \"%s\"", i, c->mounts[i].destination);
		/* a /dev of the host's has everything, and is not ours to change */
		if (m->kind == PLAN_MOUNT_BIND && is_path(m->destination, "/dev"))
			p->rootfs.populate_dev = false;
	}
	return 0;
}

static const struct plan_device default_devices[] = {
	{ "/dev/null", S_IFCHR | 0666, 1, 3, 0, 0 },    { "/dev/zero", S_IFCHR | 0666, 1, 5, 0, 0 },
	{ "/dev/full", S_IFCHR | 0666, 1, 7, 0, 0 },    { "/dev/random", S_IFCHR | 0666, 1, 8, 0, 0 },
	{ "/dev/urandom", S_IFCHR | 0666, 1, 9, 0, 0 }, { "/dev/tty", S_IFCHR | 0666, 5, 0, 0, 0 },
};

static const mode_t device_types[_OCI_DEVICE_TYPE_MAX] = {
	[OCI_DEVICE_TYPE_C] = S_IFCHR,
	[OCI_DEVICE_TYPE_B] = S_IFBLK,
	[OCI_DEVICE_TYPE_U] = S_IFCHR,
	[OCI_DEVICE_TYPE_P] = S_IFIFO,
};

enum { MAJOR_MAX = (1 << 12) - 1, MINOR_MAX = (1 << 20) - 1 }; /* the kernel's dev_t */

static int plan_device(const struct oci_device *from, struct plan_device *d, struct error *err)
{
	bool numbers = from->type != OCI_DEVICE_TYPE_P;

	if (numbers && (!from->has_major || !from->has_minor))
		return error_set(err, EINVAL, "major, minor: both are needed for \"%s\"", from->path);
	if (numbers &&
	    (from->major < 0 || from->major > MAJOR_MAX || from->minor < 0 || from->minor > MINOR_MAX))
		return error_set(err, ERANGE, "%s: %lld:%lld is not a device number", from->path,
				 (long long)from->major, (long long)from->minor);
	*d = (struct plan_device){
		.path = from->path,
		.mode = device_types[from->type] | (from->has_file_mode ? from->file_mode & 07777 : 0666),
		.major = numbers ? (unsigned)from->major : 0,
		.minor = numbers ? (unsigned)from->minor : 0,
		.uid = from->has_uid ? from->uid : 0,
		.gid = from->has_gid ? from->gid : 0,
	};
	return 0;
}

static bool has_device(const struct plan_rootfs *r, const char *path)
{
	for (size_t i = 0; i < r->n_devices; i++)
		if (is_path(r->devices[i].path, path))
			return true;
	return false;
}

int plan_devices(struct native_plan *p, const struct oci_config *c, struct error *err)
{
	struct plan_rootfs *root = &p->rootfs;
	size_t n = c->linux_ ? c->linux_->n_devices : 0;

	root->devices = xcalloc(n + ARRAY_SIZE(default_devices), sizeof(*root->devices));
	for (size_t i = 0; i < n; i++) {
		int r = plan_device(&c->linux_->devices[i], &root->devices[root->n_devices], err);

		if (r < 0)
			return error_wrap(err, "linux.devices[%zu]", i);
		/* engines name it among all of the host's for privileged containers; a container's is that of its devpts */
		if (!is_path(root->devices[root->n_devices].path, "/dev/ptmx"))
			root->n_devices++;
	}
	for (size_t i = 0; root->populate_dev && i < ARRAY_SIZE(default_devices); i++)
		if (!has_device(root, default_devices[i].path))
			root->devices[root->n_devices++] = default_devices[i];
	return 0;
}
