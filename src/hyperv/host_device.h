/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_HYPERV_HOST_DEVICE_H
#define HV_HYPERV_HOST_DEVICE_H

#include <stdbool.h>

struct bundle;
struct oci_device;
struct oci_resources;

/* What the rules of its cgroup let a container do with a block device. */
struct device_access {
	bool reads, writes;
	bool named; /* a rule allows just this one: somebody means it. Else it is one of all those that a privileged container may use */
};

/* By config-linux.md, "Allowed Device list": later rules win; without any, all is allowed. Pure. */
struct device_access device_access(const struct oci_resources *r, const struct oci_device *dev);

/* A block device of the host, by its number. */
enum host_device {
	HOST_DEVICE_FREE,
	HOST_DEVICE_READONLY, /* the host has it mounted, as swap space, as a part of another one, or another machine has it; or it cannot be written */
	HOST_DEVICE_UNUSABLE, /* it cannot be opened, there is no medium in it, or nothing behind it: its size is 0 */
};

/*
 * Looks at the block devices in linux.devices[]: an entry for each, to be freed; NULL when there are none. They are opened for what the
 * container may do, which waits as long as the device takes to say whether it has a medium. What is found may change any time.
 */
enum host_device *host_devices_look(const struct bundle *bundle);

/* Logs which of them a machine does not get, or can only read. found: what host_devices_look() has returned. */
void host_devices_log(const struct bundle *bundle, const enum host_device *found);

/*
 * Opens the block device with that number, by its node in /dev, with flags of open(2). What is opened may be something else: ask fstat(2). Returns the
 * fd or -errno; -ENODEV, -ENOENT: the host has none.
 */
int host_device_open(unsigned major, unsigned minor, int flags);

/* Whether a VMM has fd as a disk, by its locks (block/file-posix.c of QEMU): one that writes, or, when writes is set, one that wants nobody else to write. */
enum disk_lock { DISK_LOCK_NONE, DISK_LOCK_WRITER, DISK_LOCK_OTHER };
enum disk_lock disk_lock_of(int fd, bool writes);

#endif
