/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_LSM_LSM_H
#define HV_LINUX_LSM_LSM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* A security module that labels processes. Which of them are there is the kernel's to say, at run time. */
struct lsm_ops {
	const char *name; /* "selinux", "apparmor" */

	/* Whether the running kernel has it, switched on. Looks once. */
	bool (*enabled)(void);

	/* Whether label can be used here; names field and label when not. */
	int (*validate)(const char *label, struct error *err);

	/*
	 * Makes the next execve(2) of the caller run under label: one write below /proc/thread-self/attr,
	 * through procfs_fd, a /proc that the caller trusts (proc_pid_attr(5)). Child side,
	 * async-signal-safe.
	 */
	int (*set_exec_label)(int procfs_fd, const char *label, struct error *err);
};

extern const struct lsm_ops lsm_selinux, lsm_apparmor;

/* process.selinuxLabel, process.apparmorProfile, linux.mountLabel; NULL or "" = not asked for. Strings are
 * borrowed. */
struct lsm_labels {
	const char *selinux;
	const char *apparmor;
	const char *mount;
};

/* Parent side, before anything is changed: every label asked for has its module here, or a message that names
 * the field. */
int lsm_validate(const struct lsm_labels *labels, struct error *err);

/* Child side, right before exec and before the last privileges go: exec labels of all modules asked for. */
int lsm_set_exec_labels(int procfs_fd, const struct lsm_labels *labels, struct error *err);

/*
 * Child side: label for keyrings made from now on (SELinux keycreate); nothing without labels->selinux. Undo
 * with clear = true.
 */
int lsm_set_key_label(int procfs_fd, const struct lsm_labels *labels, bool clear, struct error *err);

/*
 * The mount option that labels a new file system, `context="system_u:..."`, or with data:
 * `data,context="..."`. NULL when neither is there. free()d by the caller. Quotes in the label are refused by
 * lsm_validate().
 */
char *lsm_mount_options(const struct lsm_labels *labels, const char *data);

/*
 * The compiled policy of a profile that a kernel has loaded; dirfd: its "apparmor" in securityfs. Returns 0 with *ret for free(), -ENOENT when there is no
 * such profile (or no policy at all), -ENODATA when the kernel keeps none (CONFIG_SECURITY_APPARMOR_EXPORT_BINARY), -EFBIG when it is more than
 * APPARMOR_POLICY_MAX bytes, or another -errno.
 */
enum { APPARMOR_POLICY_MAX = 512 << 10 };
int apparmor_policy_read(int dirfd, const char *profile, char **ret, size_t *ret_len);

/* Loads it, in the place of what had these profiles' names. -errno: -EPROTONOSUPPORT or -EPROTO, it is not one that this kernel can read. */
int apparmor_policy_load(int dirfd, const void *policy, size_t len);

/* Whether a module is on here ("selinux", "apparmor"), for features. */
bool lsm_is_enabled(const char *name);

#endif
