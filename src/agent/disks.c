/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Disks are found by their serial (Documentation/ABI/testing/sysfs-block), for their order says nothing. A driver that is built in has taken them
 * before we run, one that is a module when it is loaded: either way they are let go (sysfs: drivers/virtio_blk/unbind) and taken again when the VM
 * is a container's, and no template's any more.
 */
#include "agent/disks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "linux/mount.h"
#include "schema/types.h"

#define DRIVER "/sys/bus/virtio/drivers/virtio_blk"
#define DEVICES "/sys/bus/virtio/devices"
#define SERIAL "hvrun"

enum { VIRTIO_ID_BLOCK = 2, ATTRIBUTE_MAX = 256, DISKS_MAX = 32 };

/* The disk with a number, as this kernel has it. */
struct found {
	char name[NAME_MAX + 1]; /* "vda"; "" = there is none */
};

static int read_attribute(const char *dir, const char *name, const char *attribute, char **ret)
{
	_cleanup_free_ char *path = xasprintf("%s/%s/%s", dir, name, attribute);
	int r = file_read_at(AT_FDCWD, path, ATTRIBUTE_MAX, ret, NULL);

	if (r == 0)
		(*ret)[strcspn(*ret, "\n")] = '\0';
	return r;
}

static bool is_disk(const char *name)
{
	_cleanup_free_ char *id = NULL;

	return read_attribute(DEVICES, name, "device", &id) == 0 && strtoul(id, NULL, 16) == VIRTIO_ID_BLOCK;
}

static bool is_bound(const char *name)
{
	_cleanup_free_ char *path = xasprintf(DEVICES "/%s/driver", name);

	return access(path, F_OK) == 0;
}

/* Binds (or unbinds) every disk that is not (or is) bound. */
static int bind_all(bool bind, struct error *err)
{
	DIR *dir = opendir(DEVICES);
	int r = 0;

	for (struct dirent *e = dir ? readdir(dir) : NULL; r == 0 && e; e = readdir(dir)) {
		if (*e->d_name == '.' || is_bound(e->d_name) == bind || !is_disk(e->d_name))
			continue;
		r = file_write_str(AT_FDCWD, bind ? DRIVER "/bind" : DRIVER "/unbind", e->d_name);
		if (r < 0)
			error_errnum(err, r, "%s disk %s", bind ? "take" : "let go", e->d_name);
	}
	if (dir)
		closedir(dir);
	return r;
}

int disks_release(struct error *err)
{
	return bind_all(false, err);
}

static void note(struct found *found, const char *name)
{
	_cleanup_free_ char *serial = NULL;
	const char *number;
	uint32_t i;

	if (read_attribute("/sys/block", name, "serial", &serial) < 0)
		return;
	number = str_skip_prefix(serial, SERIAL);
	if (!number || num_parse_u32(number, &i) < 0 || i >= DISKS_MAX)
		return;
	snprintf(found[i].name, sizeof(found[i].name), "%s", name);
}

static void find_all(struct found *found)
{
	DIR *dir = opendir("/sys/block");

	for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir))
		if (*e->d_name != '.')
			note(found, e->d_name);
	if (dir)
		closedir(dir);
}

static int mount_disk(const struct hv_agent_disk *d, const struct found *f, struct error *err)
{
	_cleanup_free_ char *node = xasprintf("/dev/%s", f->name);
	const struct mount_fs fs = { .type = d->type, .source = node };
	static const struct mount_options none;
	_cleanup_fd_ int fd = -1, place = -1;
	int r;

	fd = mount_new_fs(&fs, err);
	if (fd < 0)
		return error_wrap(err, "mount disk %u", d->index);
	if (mkdir(d->mount, 0755) < 0 && errno != EEXIST)
		return error_errno(err, "mkdir %s", d->mount);
	place = open(d->mount, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	r = place < 0 ? -errno : mount_attach(fd, place, &none);
	return r < 0 ? error_errnum(err, r, "mount disk %u at %s", d->index, d->mount) : 0;
}

static int take(const struct hv_agent_disk *d, const struct found *found, struct error *err)
{
	const struct found *f = &found[d->index];

	if (!*f->name)
		return error_set(err, ENODEV, "the guest's kernel has no disk %u (CONFIG_VIRTIO_BLK?)", d->index);
	return mount_disk(d, f, err);
}

int disks_take(const struct hv_agent_create *m, struct error *err)
{
	struct found found[DISKS_MAX] = { 0 };
	int r = m->n_disks ? bind_all(true, err) : 0;

	if (r == 0 && m->n_disks)
		find_all(found);
	for (size_t i = 0; r == 0 && i < m->n_disks; i++)
		r = m->disks[i].index < DISKS_MAX ? take(&m->disks[i], found, err) :
						    error_set(err, EPROTO, "CREATE: there is no disk %u", m->disks[i].index);
	return r;
}
