/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/lsm.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "linux/lsm/lsm.h"
#include "linux/mount.h"

/* securityfs is mounted nowhere in the guest: no container finds it. */
static int load(const char *profile, const char *policy, struct error *err)
{
	static const struct mount_fs fs = { .type = "securityfs", .source = "securityfs" };
	_cleanup_free_ unsigned char *bytes = NULL;
	_cleanup_fd_ int mount = -1, dirfd = -1;
	size_t len;
	int r = base64_decode(policy, &bytes, &len);

	if (r < 0)
		return error_set(err, EPROTO, "apparmor: it is not base64");
	mount = mount_new_fs(&fs, err);
	if (mount < 0)
		return error_wrap(err, "process.apparmorProfile");
	dirfd = openat(mount, "apparmor", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = dirfd < 0 ? -errno : apparmor_policy_load(dirfd, bytes, len);
	if (r < 0)
		return error_errnum(err, r,
				    "process.apparmorProfile: \"%s\": the guest's kernel does not take its policy (hyperv.apparmor_dir in the configuration file may have "
				    "one that is compiled for it)",
				    profile);
	return 0;
}

int lsm_take(const char *policy, char **profile, struct error *err)
{
	if (!*profile || (policy && lsm_apparmor.enabled()))
		return *profile ? load(*profile, policy, err) : 0;
	if (!lsm_apparmor.enabled() || !str_eq(*profile, "unconfined"))
		*profile = NULL;
	return 0;
}
