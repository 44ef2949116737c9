/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_AGENT_BOOT_H
#define HV_AGENT_BOOT_H

#include "base/error.h"
#include "base/macros.h"

/* Where boot_mount_share() puts the host's share, the guest's cgroup v2 hierarchy, and the leaf in it that the agent is in. */
#define BOOT_SHARE_DIR "/run/share"
#define BOOT_CGROUP_DIR "/sys/fs/cgroup"
#define BOOT_AGENT_CGROUP BOOT_CGROUP_DIR "/.agent" /* no container is called that: an id begins with no dot */

/*
 * All that PID 1 owes the guest before the first message: mounts /proc, /sys, /dev, /run and cgroup2 from a
 * table, loads the modules that the image lists, leaves the initramfs's root (pivot_root(2) refuses to work
 * on rootfs, and every container made here pivots), hardens by sysctl, enables the cgroup
 * controllers and moves into a cgroup of its own. Only for getpid() == 1; a program that executes itself
 * afterwards may call it again. Returns 0 or < 0 with *err: the guest is of no use then.
 */
int boot_guest(struct error *err);

/*
 * Opens the virtio-serial port called name (VMM_PORT_CONTROL …) for reading and writing, waiting for the
 * device to appear for at most timeout_ms. Blocking and CLOEXEC; mode 0600. Returns the fd or < 0 with *err.
 */
int boot_open_port(const char *name, int timeout_ms, struct error *err);

/* Mounts the export VMM_SHARE_TAG, by 9p or virtiofs, at BOOT_SHARE_DIR. Once per VM, when the host asks for it. Returns 0 or
 * < 0 with *err. */
int boot_mount_share(struct error *err);

/*
 * Files that have been closed are closed on the host, too, when it returns: by virtiofs that is told later (FUSE_RELEASE), and a share with a file that is open
 * for writing cannot be made read-only there.
 */
void boot_settle_share(void);

/* Tells the kernel's console, if there is one, why the guest is of no use. */
void boot_complain(const struct error *err);

/* Ends the VM at once: syncs and resets, which QEMU (-no-reboot) takes for its exit. */
_noreturn_ void boot_power_off(void);

#endif
