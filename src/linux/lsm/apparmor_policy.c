/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Compiled profiles, from one kernel into another (security/apparmor/apparmorfs.c): policy/profiles/NAME.N/ has a loaded profile's "name" and, with
 * CONFIG_SECURITY_APPARMOR_EXPORT_BINARY, "raw_data": what was written when it was loaded, other profiles that came with it included.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/path.h"
#include "linux/lsm/lsm.h"

enum { NAME_LEN_MAX = 4096 };

static bool has_name(int dirfd, const char *entry, const char *profile)
{
	_cleanup_free_ char *path = path_join(entry, "name"), *name = NULL;

	if (file_read_at(dirfd, path, NAME_LEN_MAX, &name, NULL) < 0)
		return false;
	name[strcspn(name, "\n")] = '\0';
	return strcmp(name, profile) == 0;
}

int apparmor_policy_read(int dirfd, const char *profile, char **ret, size_t *ret_len)
{
	int fd = openat(dirfd, "policy/profiles", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = -ENOENT;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		r = -errno;
		fd_close(fd);
		return r;
	}
	for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
		_cleanup_free_ char *path = path_join(e->d_name, "raw_data");

		if (*e->d_name == '.' || !has_name(fd, e->d_name, profile))
			continue;
		r = file_read_at(fd, path, APPARMOR_POLICY_MAX, ret, ret_len);
		if (r == -ENOENT)
			r = -ENODATA;
		break;
	}
	closedir(dir);
	return r;
}

int apparmor_policy_load(int dirfd, const void *policy, size_t len)
{
	_cleanup_fd_ int fd = openat(dirfd, ".replace", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, policy, len) < 0) /* all of it at once, or nothing */
		return -errno;
	return 0;
}
