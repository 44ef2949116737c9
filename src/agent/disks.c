/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Disks are known by their serial (Documentation/ABI/testing/sysfs-block), for their order says nothing. A driver that is built in has taken them
 * before we run, one that is a module when it is loaded: then is noted which device has which number, and they are let go of (sysfs:
 * drivers/virtio_blk/unbind). A container's are taken again when it is made, each for itself: the VM is no template's then, or something has been put into
 * the disk, and a driver asks a disk for its size when it takes it and not again.
 */
#include "agent/disks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <ocispec/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/path.h"
#include "base/str.h"
#include "linux/mount.h"
#include "schema/json.h"
#include "schema/types.h"

#define DRIVER "/sys/bus/virtio/drivers/virtio_blk"
#define DEVICES "/sys/bus/virtio/devices"
#define SERIAL "hvrun"
#define NUMBERS_DIR DISKS_DIR ".devices" /* for each disk's number a symbolic link to its device's name: "3" -> "virtio5" */

enum { VIRTIO_ID_BLOCK = 2, ATTRIBUTE_MAX = 256, DISKS_MAX = 32 };

/* A disk as this kernel has it. */
struct found {
	char name[NAME_MAX + 1]; /* "vda"; "" = there is none */
	unsigned major, minor;
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

static int bind_device(const char *device, bool bind, struct error *err)
{
	int r;

	if (is_bound(device) == bind)
		return 0;
	r = file_write_str(AT_FDCWD, bind ? DRIVER "/bind" : DRIVER "/unbind", device);
	return r < 0 ? error_errnum(err, r, "%s disk %s", bind ? "take" : "let go", device) : 0;
}

static int find(const char *name, struct found *ret)
{
	_cleanup_free_ char *dev = NULL;
	struct found f = { 0 };

	if (read_attribute("/sys/block", name, "dev", &dev) < 0 || sscanf(dev, "%u:%u", &f.major, &f.minor) != 2)
		return -ENODEV;
	snprintf(f.name, sizeof(f.name), "%s", name);
	*ret = f;
	return 0;
}

/* Its number, if it is one of ours; else -1. */
static int number_of(const char *name)
{
	_cleanup_free_ char *serial = NULL;
	const char *number;
	uint32_t i;

	if (read_attribute("/sys/block", name, "serial", &serial) < 0)
		return -1;
	number = str_skip_prefix(serial, SERIAL);
	return number && num_parse_u32(number, &i) == 0 && i < DISKS_MAX ? (int)i : -1;
}

static int note(const char *name, int number, struct error *err)
{
	_cleanup_free_ char *device = xasprintf("/sys/block/%s/device", name), *link = xasprintf(NUMBERS_DIR "/%d", number);
	char target[PATH_MAX];
	ssize_t n = readlink(device, target, sizeof(target) - 1);

	if (n < 0)
		return error_errno(err, "%s", device);
	target[n] = '\0';
	if (mkdir(NUMBERS_DIR, 0700) < 0 && errno != EEXIST)
		return error_errno(err, "mkdir " NUMBERS_DIR);
	return symlink(path_basename(target), link) < 0 && errno != EEXIST ? error_errno(err, "link %s", link) : 0;
}

int disks_note(struct error *err)
{
	DIR *dir = opendir("/sys/block");
	int r = 0;

	for (struct dirent *e = dir ? readdir(dir) : NULL; r == 0 && e; e = readdir(dir)) {
		int number = *e->d_name == '.' ? -1 : number_of(e->d_name);

		r = number < 0 ? 0 : note(e->d_name, number, err);
	}
	if (dir)
		closedir(dir);
	return r;
}

int disks_release(struct error *err)
{
	DIR *dir = opendir(DEVICES);
	int r = 0;

	for (struct dirent *e = dir ? readdir(dir) : NULL; r == 0 && e; e = readdir(dir))
		if (*e->d_name != '.' && is_disk(e->d_name))
			r = bind_device(e->d_name, false, err);
	if (dir)
		closedir(dir);
	return r;
}

/* The name of the device that is disk number i. */
static int find_device(uint32_t i, char ret[NAME_MAX + 1], struct error *err)
{
	_cleanup_free_ char *link = xasprintf(NUMBERS_DIR "/%u", i);
	ssize_t n = readlink(link, ret, NAME_MAX);

	if (n < 0)
		return error_set(err, ENODEV, "the guest's kernel has no disk %u (CONFIG_VIRTIO_BLK?)", i);
	ret[n] = '\0';
	return 0;
}

/* What the driver calls the disk of a device that it has. */
static int find_by_device(const char *device, struct found *ret)
{
	_cleanup_free_ char *path = xasprintf(DEVICES "/%s/block", device);
	DIR *dir = opendir(path);
	int r = -ENODEV;

	for (struct dirent *e = dir ? readdir(dir) : NULL; r < 0 && e; e = readdir(dir))
		if (*e->d_name != '.')
			r = find(e->d_name, ret);
	if (dir)
		closedir(dir);
	return r;
}

int disks_open_root(uint32_t i, struct error *err)
{
	static const char *const types[] = { "erofs", "ext4", "squashfs" };
	_cleanup_free_ char *node = NULL;
	char device[NAME_MAX + 1];
	struct found found;

	if (find_device(i, device, err) < 0)
		return -err->code;
	if (find_by_device(device, &found) < 0)
		return error_set(err, ENODEV, "the guest's kernel has not taken disk %u", i);
	node = xasprintf("/dev/%s", found.name);
	for (size_t k = 0; k < ARRAY_SIZE(types); k++) {
		const struct mount_fs fs = { .type = types[k], .source = node, .attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV };
		struct error ignored;
		int fd = mount_new_fs(&fs, &ignored);

		if (fd >= 0)
			return fd;
	}
	return error_set(err, EINVAL, "it is no erofs, ext4 or squashfs that the guest's kernel can mount");
}

/* Where config.json finds it. */
static char *name_of(const struct hv_agent_disk *d)
{
	return d->name ? xasprintf(DISKS_DIR "/%s", d->name) : xasprintf(DISKS_DIR "/%u", d->index);
}

static int make_name(const struct hv_agent_disk *d, const struct found *f, struct error *err)
{
	_cleanup_free_ char *link = name_of(d), *node = xasprintf("/dev/%s", f->name);

	if (mkdir(DISKS_DIR, 0755) < 0 && errno != EEXIST)
		return error_errno(err, "mkdir " DISKS_DIR);
	return symlink(node, link) < 0 && errno != EEXIST ? error_errno(err, "link %s", link) : 0;
}

static int mount_disk(const struct hv_agent_disk *d, const struct found *f, struct error *err)
{
	_cleanup_free_ char *node = xasprintf("/dev/%s", f->name);
	const struct mount_fs fs = { .type = d->type, .source = node, .attributes = d->readonly ? MOUNT_ATTR_RDONLY : 0 };
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

static int take(const struct hv_agent_disk *d, struct found *ret, struct error *err)
{
	char device[NAME_MAX + 1];
	int r = find_device(d->index, device, err);

	if (r == 0)
		r = bind_device(device, false, err);
	if (r == 0)
		r = bind_device(device, true, err);
	if (r < 0)
		return r;
	if (find_by_device(device, ret) < 0)
		return error_set(err, ENODEV, "disk %u: the guest's kernel has not taken it", d->index);
	r = make_name(d, ret, err);
	return r == 0 && d->mount ? mount_disk(d, ret, err) : r;
}

/* What has been written is written out even where somebody keeps the file system busy, who is left with errors. */
static void unmount(const char *path)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd >= 0)
		syncfs(fd);
	fd_close(TAKE_FD(fd));
	if (umount2(path, UMOUNT_NOFOLLOW) < 0 && errno == EBUSY)
		umount2(path, UMOUNT_NOFOLLOW | MNT_DETACH);
	rmdir(path);
}

int disks_give_back(const struct hv_agent_disk *disks, size_t n, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *link = name_of(&disks[i]);
		char device[NAME_MAX + 1];
		struct error e;

		if (disks[i].mount)
			unmount(disks[i].mount);
		unlink(link);
		if ((find_device(disks[i].index, device, &e) < 0 || bind_device(device, false, &e) < 0) && r == 0) {
			*err = e;
			r = -err->code;
		}
	}
	return r;
}

const char *disks_layer_dir(const struct hv_agent_disk *disks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (disks[i].layer)
			return disks[i].mount;
	return NULL;
}

/* found[i] is m->disks[i]. The host's numbers could be those of another disk here: what has been changed is not looked at again. */
static void renumber(const struct hv_agent_create *m, const struct found *found, int64_t *major, int64_t *minor)
{
	for (size_t i = 0; i < m->n_disks; i++) {
		const struct hv_agent_disk *d = &m->disks[i];

		if (d->has_major && *major == d->major && *minor == d->minor) {
			*major = found[i].major;
			*minor = found[i].minor;
			return;
		}
	}
}

/* The container's process mounts them, and is in its cgroup by then. */
static void add_rules(const struct hv_agent_create *m, const struct found *found, struct oci_doc *doc, struct oci_resources *r)
{
	for (size_t i = 0; i < m->n_disks; i++) {
		const struct found *f = &found[i];
		struct oci_device_rule *rule;

		if (!m->disks[i].allow)
			continue;
		rule = oci_doc_append(doc, &r->devices, &r->n_devices, sizeof(*rule));
		*rule = (struct oci_device_rule){ .allow = true, .has_type = true, .type = OCI_DEVICE_RULE_TYPE_B, .has_major = true,
						  .major = f->major, .has_minor = true, .minor = f->minor,
						  .access = oci_doc_strdup(doc, m->disks[i].readonly ? "r" : "rw") };
	}
}

static int edit_config(const struct hv_agent_create *m, const struct found *found, char **ret, struct error *err)
{
	_cleanup_doc_ struct oci_doc *doc = NULL;
	struct oci_config *c;
	struct oci_linux *l;
	int r = json_parse(&oci_config_type, m->config, strlen(m->config), &doc, err);

	if (r < 0)
		return r;
	c = oci_doc_root(doc);
	l = c->linux_;
	for (size_t i = 0; l && i < l->n_devices; i++)
		if (l->devices[i].type == OCI_DEVICE_TYPE_B)
			renumber(m, found, &l->devices[i].major, &l->devices[i].minor);
	for (size_t i = 0; l && l->resources && i < l->resources->n_devices; i++) {
		struct oci_device_rule *rule = &l->resources->devices[i];

		if (rule->has_type && rule->type == OCI_DEVICE_RULE_TYPE_B && rule->has_major && rule->has_minor)
			renumber(m, found, &rule->major, &rule->minor);
	}
	if (l && l->resources && l->resources->n_devices)
		add_rules(m, found, doc, l->resources);
	return json_write(&oci_config_type, c, ret, NULL, err);
}

int disks_take(const struct hv_agent_create *m, char **ret_config, struct error *err)
{
	struct found found[DISKS_MAX] = { 0 };
	bool edit = false;
	int r = 0;

	if (m->n_disks > DISKS_MAX)
		return error_set(err, EPROTO, "CREATE: %zu disks", m->n_disks);
	for (size_t i = 0; r == 0 && i < m->n_disks; i++) {
		r = take(&m->disks[i], &found[i], err);
		edit |= m->disks[i].has_major || m->disks[i].allow;
	}
	if (r < 0)
		return r;
	if (edit)
		return edit_config(m, found, ret_config, err);
	*ret_config = xstrdup(m->config);
	return 0;
}
