/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In place of selinux.c in a build without libselinux: a label that is asked for is refused. */
#include <errno.h>

#include "linux/lsm/lsm.h"

static bool selinux_enabled(void)
{
	return false;
}

static int selinux_validate(const char *label, struct error *err)
{
	return error_set(err, EOPNOTSUPP,
			 "process.selinuxLabel: \"%s\" is set, but this runtime was built without SELinux",
			 label);
}

static int selinux_set_exec_label(int procfs_fd _unused_, const char *label, struct error *err)
{
	return selinux_validate(label, err);
}

const struct lsm_ops lsm_selinux = {
	.name = "selinux",
	.enabled = selinux_enabled,
	.validate = selinux_validate,
	.set_exec_label = selinux_set_exec_label,
};
