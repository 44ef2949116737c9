/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* AppArmor: process.apparmorProfile. No library needed: a switch below /sys and one write, apparmor(7),
 * aa_change_onexec(2). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "linux/lsm/lsm.h"
#include "linux/procfs.h"

enum { PROFILE_MAX = 4096 };

static bool apparmor_enabled(void)
{
	static int enabled = -1;

	if (enabled < 0) {
		_cleanup_free_ char *text = NULL;

		enabled = file_read_at(AT_FDCWD, "/sys/module/apparmor/parameters/enabled", 16, &text,
				       NULL) == 0 &&
			  text[0] == 'Y';
	}
	return enabled;
}

static int apparmor_validate(const char *profile, struct error *err)
{
	if (!apparmor_enabled())
		return error_set(
			err, EOPNOTSUPP,
			"process.apparmorProfile: \"%s\" is set, but AppArmor is not enabled on this machine",
			profile);
	if (strlen(profile) > PROFILE_MAX || strchr(profile, '\n'))
		return error_set(err, EINVAL, "process.apparmorProfile: \"%s\" is not the name of a profile",
				 profile);
	return 0;
}

/* A directory of its own since 5.8; before, the file that all modules share. */
static int apparmor_set_exec_label(int procfs_fd, const char *profile, struct error *err)
{
	char text[PROFILE_MAX + sizeof("exec ")];
	int n = snprintf(text, sizeof(text), "exec %s", profile);
	int r = procfs_write(procfs_fd, "thread-self/attr/apparmor/exec", text, (size_t)n);

	if (r == -ENOENT)
		r = procfs_write(procfs_fd, "thread-self/attr/exec", text, (size_t)n);
	return r < 0 ? error_errnum(err, r,
				    "process.apparmorProfile: cannot set \"%s\" (is the profile loaded?)",
				    profile)
		     : 0;
}

const struct lsm_ops lsm_apparmor = {
	.name = "apparmor",
	.enabled = apparmor_enabled,
	.validate = apparmor_validate,
	.set_exec_label = apparmor_set_exec_label,
};
