/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hyperv/apparmor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "container/settings.h"
#include "linux/lsm/lsm.h"

#define SECURITYFS "/sys/kernel/security/apparmor"

/* A profile's file is called as apparmor_parser(8) calls it in its cache: "usr.bin.man" for /usr/bin/man. */
static char *file_name(const char *profile)
{
	char *name = xstrdup(*profile == '/' ? profile + 1 : profile);

	for (char *p = name; *p; p++)
		if (*p == '/')
			*p = '.';
	return name;
}

static int read_file(const char *dir, const char *profile, char **ret, size_t *ret_len)
{
	_cleanup_free_ char *name = file_name(profile), *path = path_join(dir, name);

	return str_is_empty(name) || *name == '.' ? -ENOENT : file_read_at(AT_FDCWD, path, APPARMOR_POLICY_MAX, ret, ret_len);
}

static int read_kernel(const char *profile, char **ret, size_t *ret_len)
{
	_cleanup_fd_ int fd = open(SECURITYFS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : apparmor_policy_read(fd, profile, ret, ret_len);
}

int apparmor_for_guest(const struct settings_hyperv *s, const char *profile, char **ret, struct error *err)
{
	_cleanup_free_ char *policy = NULL;
	size_t len;
	int r = -ENOENT;

	*ret = NULL;
	if (str_is_empty(profile) || str_eq(profile, "unconfined"))
		return 0;
	if (s->apparmor_dir)
		r = read_file(s->apparmor_dir, profile, &policy, &len);
	if (r < 0 && r != -ENOENT)
		return error_errnum(err, r, "process.apparmorProfile: \"%s\": read its policy in %s (hyperv.apparmor_dir)", profile, s->apparmor_dir);
	if (r < 0)
		r = read_kernel(profile, &policy, &len);
	if (r == -ENOENT)
		return error_set(err, ENOENT, "process.apparmorProfile: \"%s\" is not loaded on this machine%s", profile,
				 s->apparmor_dir ? ", and not in hyperv.apparmor_dir" : " (hyperv.apparmor_dir in the configuration file may have policies for guests)");
	if (r < 0) {
		log_warning("process.apparmorProfile: \"%s\" is not enforced in the virtual machine: read its policy: %s", profile, strerror(-r));
		return 0;
	}
	*ret = base64_encode(policy, len);
	return 0;
}
