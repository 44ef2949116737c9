/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The host's side of a disk. A path is opened once and then is a descriptor; nothing is concluded from names or from what is inside a file, but for
 * one refusal: a qcow2's header can name other files (docs/interop/qcow2.txt: a backing file, an external data file), and whoever wrote the image
 * would read the host's by that.
 */
#include "hyperv/disk.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <ocispec/types.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "container/bundle.h"
#include "hyperv/guest_config.h"
#include "hyperv/host_device.h"
#include "linux/mount_options.h"
#include "schema/types.h"

enum { SECTOR = 512, QCOW2_DATA_FILE = 1 << 2 };

/* The beginning of a qcow2 file; numbers are big-endian. */
struct qcow2_header {
	char magic[4];
	uint32_t version;
	uint64_t backing_file_offset;
	uint8_t other[56];
	uint64_t incompatible_features; /* of version 3 */
} __attribute__((packed));

static int check_qcow2(const struct disk *d, int fd, struct error *err)
{
	struct qcow2_header h = { 0 };
	ssize_t n = pread(fd, &h, sizeof(h), 0);
	uint32_t version = be32toh(h.version);

	if (n < 0)
		return error_errno(err, "%s: read %s", d->field, d->source);
	if (n < (ssize_t)sizeof(h) || memcmp(h.magic, "QFI\xfb", 4) != 0 || version < 2 || version > 3)
		return error_set(err, EINVAL, "%s: %s is not an image of format qcow2", d->field, d->source);
	if (h.backing_file_offset != 0)
		return error_set(err, EPERM, "%s: %s names a backing file, which is not allowed", d->field, d->source);
	if (version == 3 && be64toh(h.incompatible_features) & QCOW2_DATA_FILE)
		return error_set(err, EPERM, "%s: %s names an external data file, which is not allowed", d->field, d->source);
	return 0;
}

/*
 * QEMU takes locks of what it has as a disk, and ends when it cannot. Its locks decide; looked at before, they make a better message, and no VM has to be
 * started to find out.
 */
static int check_locks(const struct disk *d, int fd, struct error *err)
{
	enum disk_lock lock = d->unlocked ? DISK_LOCK_NONE : disk_lock_of(fd, !d->readonly);

	if (lock == DISK_LOCK_NONE)
		return 0;
	return error_set(err, EBUSY, "%s: %s is in use: another process has it as a disk%s", d->field, d->source ? d->source : "the device",
			 lock == DISK_LOCK_WRITER ? ", and writes to it" : "");
}

/*
 * A file system that is mounted there as well would be written by two kernels that know nothing of each other. O_EXCL of a block device (open(2)): the kernel lets
 * nobody else have it who wants it alone, as file systems do.
 */
static int check_mounted(const struct disk *d, int fd, struct error *err)
{
	_cleanup_fd_ int again = -1;
	char path[64];

	if (!d->mounted || d->readonly)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_EXCL);
	if (again >= 0 || errno != EBUSY)
		return 0;
	return error_set(err, EBUSY, "%s: %s is in use on the host (mounted there, or a part of another device): a virtual machine that mounts it, too, and "
			 "writes to it would destroy what is on it; with option \"ro\" it can be read", d->field, d->source);
}

static int check(const struct disk *d, int fd, dev_t *ret_device, struct error *err)
{
	const char *name = d->source ? d->source : "the device";
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_errno(err, "%s: %s", d->field, name);
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return error_set(err, EINVAL, "%s: %s is neither an image file nor a block device", d->field, name);
	*ret_device = S_ISBLK(st.st_mode) ? st.st_rdev : 0;
	if (d->by_number && (!*ret_device || st.st_rdev != makedev(d->major, d->minor)))
		return error_set(err, ENODEV, "%s: no block device %u:%u is here", d->field, d->major, d->minor);
	if (*ret_device && check_mounted(d, fd, err) < 0)
		return -err->code;
	if (d->format == VMM_DISK_QCOW2)
		return check_qcow2(d, fd, err);
	if (!*ret_device && (st.st_size == 0 || st.st_size % SECTOR != 0))
		return error_set(err, EINVAL, "%s: %s has %lld bytes, which is no disk: a multiple of %d is needed", d->field, name,
				 (long long)st.st_size, SECTOR);
	return 0;
}

static int open_source(const struct disk *d, int layer_dirfd)
{
	/* O_NONBLOCK: a FIFO must not keep us waiting */
	int flags = (d->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, r;

	if (d->by_number)
		return host_device_open(d->major, d->minor, flags);
	r = d->layer ? openat(layer_dirfd, layer_file(LAYER_GUEST_DISK), flags | O_NOFOLLOW) : open(d->source, flags);
	return r < 0 ? -errno : r;
}

int disk_open(const struct disk *d, int layer_dirfd, dev_t *ret_device, struct error *err)
{
	_cleanup_fd_ int fd = open_source(d, layer_dirfd);
	int r;

	if (fd < 0 && d->by_number)
		return error_errnum(err, fd, "%s: block device %u:%u", d->field, d->major, d->minor);
	if (fd < 0)
		return error_errnum(err, fd, "%s: %s", d->field, d->source ? d->source : "the layer");
	r = check(d, fd, ret_device, err);
	if (r == 0)
		r = check_locks(d, fd, err);
	return r < 0 ? r : TAKE_FD(fd);
}

int disk_open_all(const struct guest_config *g, int layer_dirfd, const struct disk_messages *ret, int *fds, size_t *n_fds, struct error *err)
{
	for (size_t i = 0; i < g->n_disks; i++) {
		const struct disk *d = &g->disks[i];
		dev_t device = 0;
		int fd = disk_open(d, layer_dirfd, &device, err);

		if (fd < 0)
			return fd;
		fds[(*n_fds)++] = fd;
		ret->workers[i] = (struct hv_worker_disk){
			.format = (char *)vmm_disk_format_to_string(d->format), .readonly = d->readonly, .device = device != 0,
			.unlocked = d->unlocked, .field = d->field,
		};
		ret->agents[i] = (struct hv_agent_disk){
			.index = (uint32_t)i, .name = d->name, .mount = d->mount, .type = (char *)d->type, .has_layer = true, .layer = d->layer,
			.has_readonly = true, .readonly = d->readonly, .has_allow = true, .allow = d->mounted, .has_major = device != 0,
			.has_minor = device != 0, .major = major(device), .minor = minor(device),
		};
	}
	return 0;
}

static bool binds_device(const struct bundle *b, const struct oci_mount *m)
{
	_cleanup_free_ char *path = path_join(b->path, m->source ? m->source : "");
	struct mount_options o;
	struct error ignored;
	struct stat st;

	if (str_is_empty(m->source) || mount_options_parse(m->options, m->n_options, &o, &ignored) < 0)
		return false;
	return (o.extra & MOUNT_EXTRA_BIND || str_eq(m->type, "bind")) && stat(path, &st) == 0 && S_ISBLK(st.st_mode);
}

bool *disk_find_devices(const struct bundle *b)
{
	const struct oci_config *c = b->config;
	bool *found = NULL;

	for (size_t i = 0; i < c->n_mounts; i++) {
		if (!binds_device(b, &c->mounts[i]))
			continue;
		if (!found)
			found = xcalloc(c->n_mounts, sizeof(*found));
		found[i] = true;
	}
	return found;
}
