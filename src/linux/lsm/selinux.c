/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SELinux: process.selinuxLabel. libselinux is asked only when a label is: whether the policy knows it. The
 * label itself goes through the caller's procfs and not through setexeccon(3), which opens /proc by path.
 */
#include <errno.h>
#include <selinux/selinux.h>
#include <string.h>

#include "linux/lsm/lsm.h"
#include "linux/procfs.h"

static bool selinux_enabled(void)
{
	static int enabled = -1;

	if (enabled < 0)
		enabled = is_selinux_enabled() == 1;
	return enabled;
}

static int selinux_validate(const char *label, struct error *err)
{
	if (!selinux_enabled())
		return error_set(
			err, EOPNOTSUPP,
			"process.selinuxLabel: \"%s\" is set, but SELinux is not enabled on this machine",
			label);
	if (security_check_context(label) < 0)
		return error_set(err, EINVAL,
				 "process.selinuxLabel: \"%s\" is not a label of the loaded policy", label);
	return 0;
}

static int selinux_set_exec_label(int procfs_fd, const char *label, struct error *err)
{
	int r = procfs_write(procfs_fd, "thread-self/attr/exec", label, strlen(label) + 1);

	return r < 0 ? error_errnum(err, r, "process.selinuxLabel: cannot set \"%s\"", label) : 0;
}

const struct lsm_ops lsm_selinux = {
	.name = "selinux",
	.enabled = selinux_enabled,
	.validate = selinux_validate,
	.set_exec_label = selinux_set_exec_label,
};
