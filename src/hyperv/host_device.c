/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The host's block devices, as linux.devices names them. An engine's --privileged names all that there are, empty drives and loop devices without a file
 * among them, and the disk with the host's root file system on it: each would be a disk of the machine.
 */
#include "hyperv/host_device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/cdrom.h>
#include <linux/fs.h>
#include <ocispec/types.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "container/bundle.h"

enum { UEVENT_MAX = 4096 };

static bool allows(const struct oci_device_rule *rule, char what)
{
	return !rule->access || strchr(rule->access, what);
}

struct device_access device_access(const struct oci_resources *r, const struct oci_device *dev)
{
	bool all = !r || r->n_devices == 0;
	struct device_access a = { .reads = all, .writes = all };

	for (size_t i = 0; r && i < r->n_devices; i++) {
		const struct oci_device_rule *rule = &r->devices[i];
		bool major = rule->has_major && rule->major >= 0, minor = rule->has_minor && rule->minor >= 0;

		all = !rule->has_type || rule->type == OCI_DEVICE_RULE_TYPE_A;
		if (!all && (rule->type != OCI_DEVICE_RULE_TYPE_B || (major && rule->major != dev->major) || (minor && rule->minor != dev->minor)))
			continue;
		if (all || allows(rule, 'r'))
			a.reads = rule->allow;
		if (all || allows(rule, 'w'))
			a.writes = rule->allow;
		a.named |= !all && rule->allow && major && minor;
	}
	return a;
}

/* The node that the kernel's name for the device leads to: /sys/dev/block/8:1/uevent has DEVNAME=sda1. */
int host_device_open(unsigned major, unsigned minor, int flags)
{
	_cleanup_free_ char *uevent = NULL, *path = NULL;
	char sys[64], *name, *end;
	int r;

	snprintf(sys, sizeof(sys), "/sys/dev/block/%u:%u/uevent", major, minor);
	r = file_read_at(AT_FDCWD, sys, UEVENT_MAX, &uevent, NULL);
	if (r < 0)
		return r;
	name = strstr(uevent, "DEVNAME=");
	if (!name)
		return -ENODEV;
	name += strlen("DEVNAME=");
	end = name + strcspn(name, "\n");
	*end = '\0';
	path = path_join("/dev", name);
	r = open(path, flags);
	return r < 0 ? -errno : r;
}

/* Byte 101 says that somebody writes, 201 that nobody else may. */
enum disk_lock disk_lock_of(int fd, bool writes)
{
	static const off_t bytes[] = { 101, 201 };

	for (size_t i = 0; i < (writes ? ARRAY_SIZE(bytes) : 1); i++) {
		struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = bytes[i], .l_len = 1 };

		if (fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
			return i == 0 ? DISK_LOCK_WRITER : DISK_LOCK_OTHER;
	}
	return DISK_LOCK_NONE;
}

/* An optical drive can be opened without a disc (O_NONBLOCK), and has a size then; asked like this it does not close its tray. */
static bool is_empty_drive(int fd)
{
	int status = ioctl(fd, CDROM_DRIVE_STATUS, CDSL_CURRENT);

	return status == CDS_NO_DISC || status == CDS_TRAY_OPEN || status == CDS_DRIVE_NOT_READY;
}

/* With O_NONBLOCK a floppy disk's drive and the like say nothing of a medium: so once more without. */
static bool is_usable(unsigned major, unsigned minor)
{
	const int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY;
	_cleanup_fd_ int fd = host_device_open(major, minor, flags | O_NONBLOCK);
	uint64_t size = 0;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISBLK(st.st_mode) || st.st_rdev != makedev(major, minor) || is_empty_drive(fd))
		return false;
	fd_close(fd);
	fd = host_device_open(major, minor, flags);
	return fd >= 0 && ioctl(fd, BLKGETSIZE64, &size) == 0 && size > 0;
}

/*
 * O_EXCL of a block device (open(2)): the kernel lets nobody else have it who wants it alone, as file systems do. One that is read-only can be opened for writing
 * by some drivers (BLKROGET), and by others not.
 */
static bool is_readonly(unsigned major, unsigned minor, bool writes)
{
	_cleanup_fd_ int fd = host_device_open(major, minor, (writes ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOCTTY | O_EXCL);
	int readonly = 0;

	return fd < 0 || ioctl(fd, BLKROGET, &readonly) < 0 || (writes && readonly) || disk_lock_of(fd, true) != DISK_LOCK_NONE;
}

enum host_device *host_devices_look(const struct bundle *b)
{
	const struct oci_linux *l = b->config->linux_;
	enum host_device *found = NULL;

	for (size_t i = 0; l && i < l->n_devices; i++) {
		const struct oci_device *dev = &l->devices[i];
		struct device_access a = device_access(l->resources, dev);
		unsigned major = (unsigned)dev->major, minor = (unsigned)dev->minor;

		if (dev->type != OCI_DEVICE_TYPE_B || !dev->has_major || !dev->has_minor || a.named || !(a.reads || a.writes))
			continue;
		if (!found)
			found = xcalloc(l->n_devices, sizeof(*found));
		found[i] = !is_usable(major, minor) ? HOST_DEVICE_UNUSABLE :
			   is_readonly(major, minor, a.writes) ? HOST_DEVICE_READONLY : HOST_DEVICE_FREE;
	}
	return found;
}

void host_devices_log(const struct bundle *b, const enum host_device *found)
{
	const struct oci_linux *l = b->config->linux_;

	for (size_t i = 0; found && i < l->n_devices; i++) {
		const struct oci_device *dev = &l->devices[i];

		if (found[i] == HOST_DEVICE_UNUSABLE)
			log_debug("linux.devices[%zu]: %s (%lld:%lld) is left out: there is nothing in it, or it cannot be opened", i, dev->path,
				  (long long)dev->major, (long long)dev->minor);
		else if (found[i] == HOST_DEVICE_READONLY && device_access(l->resources, dev).writes)
			log_info("linux.devices[%zu]: %s (%lld:%lld) is in use on the host, or cannot be written there: it can only be read", i, dev->path, (long long)dev->major,
				 (long long)dev->minor);
	}
}
