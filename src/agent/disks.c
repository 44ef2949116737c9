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

enum { VIRTIO_ID_BLOCK = 2, ATTRIBUTE_MAX = 256, DISKS_MAX = 32 };

/* The disk with a number, as this kernel has it. */
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
	_cleanup_free_ char *serial = NULL, *dev = NULL;
	const char *number;
	unsigned major, minor;
	uint32_t i;

	if (read_attribute("/sys/block", name, "serial", &serial) < 0 || read_attribute("/sys/block", name, "dev", &dev) < 0)
		return;
	number = str_skip_prefix(serial, SERIAL);
	if (!number || num_parse_u32(number, &i) < 0 || i >= DISKS_MAX || sscanf(dev, "%u:%u", &major, &minor) != 2)
		return;
	found[i] = (struct found){ .major = major, .minor = minor };
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

int disks_open_root(uint32_t i, struct error *err)
{
	static const char *const types[] = { "erofs", "ext4", "squashfs" };
	struct found found[DISKS_MAX] = { 0 };
	_cleanup_free_ char *node = NULL;

	find_all(found);
	if (i >= DISKS_MAX || !*found[i].name)
		return error_set(err, ENODEV, "the guest's kernel has no disk %u (CONFIG_VIRTIO_BLK?)", i);
	node = xasprintf("/dev/%s", found[i].name);
	for (size_t k = 0; k < ARRAY_SIZE(types); k++) {
		const struct mount_fs fs = { .type = types[k], .source = node, .attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV };
		struct error ignored;
		int fd = mount_new_fs(&fs, &ignored);

		if (fd >= 0)
			return fd;
	}
	return error_set(err, EINVAL, "it is no erofs, ext4 or squashfs that the guest's kernel can mount");
}

static int make_name(uint32_t i, const struct found *f, struct error *err)
{
	_cleanup_free_ char *link = xasprintf(DISKS_DIR "/%u", i), *node = xasprintf("/dev/%s", f->name);

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

static int take(const struct hv_agent_disk *d, const struct found *found, struct error *err)
{
	const struct found *f = &found[d->index];
	int r;

	if (!*f->name)
		return error_set(err, ENODEV, "the guest's kernel has no disk %u (CONFIG_VIRTIO_BLK?)", d->index);
	r = make_name(d->index, f, err);
	return r == 0 && d->mount ? mount_disk(d, f, err) : r;
}

/* The host's numbers could be those of another disk here: what has been changed is not looked at again. */
static void renumber(const struct hv_agent_create *m, const struct found *found, int64_t *major, int64_t *minor)
{
	for (size_t i = 0; i < m->n_disks; i++) {
		const struct hv_agent_disk *d = &m->disks[i];

		if (d->has_major && *major == d->major && *minor == d->minor) {
			*major = found[d->index].major;
			*minor = found[d->index].minor;
			return;
		}
	}
}

/* The container's process mounts them, and is in its cgroup by then. */
static void add_rules(const struct hv_agent_create *m, const struct found *found, struct oci_doc *doc, struct oci_resources *r)
{
	for (size_t i = 0; i < m->n_disks; i++) {
		const struct found *f = &found[m->disks[i].index];
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
	int r = m->n_disks ? bind_all(true, err) : 0;

	if (m->n_disks)
		find_all(found);
	for (size_t i = 0; r == 0 && i < m->n_disks; i++) {
		if (m->disks[i].index >= DISKS_MAX)
			return error_set(err, EPROTO, "CREATE: there is no disk %u", m->disks[i].index);
		r = take(&m->disks[i], found, err);
		edit |= m->disks[i].has_major || m->disks[i].allow;
	}
	if (r < 0)
		return r;
	if (edit)
		return edit_config(m, found, ret_config, err);
	*ret_config = xstrdup(m->config);
	return 0;
}
