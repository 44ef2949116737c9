/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Loading of the guest's kernel modules. There is no modprobe in the guest and nothing to resolve: the
 * image's builder has computed the closure of dependencies and the order, so that what is left is one
 * finit_module(2) a line.
 */
#include "agent/modules.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

enum { ORDER_MAX = 64 * 1024 };

static int load_one(int dirfd, const char *file, struct error *err)
{
	_cleanup_fd_ int fd = openat(dirfd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return error_errno(err, "open of module %s", file);
	if (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST)
		return error_errno(err, "finit_module of %s", file);
	return 0;
}

int modules_load(const char *dir, const char *list, struct error *err)
{
	_cleanup_fd_ int dirfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_fd_ int fd = -1;
	_cleanup_free_ char *order = NULL;
	char *save = NULL, *file;
	int r;

	if (dirfd < 0)
		return errno == ENOENT ? 0 : error_errno(err, "open of %s", dir);
	fd = openat(dirfd, list, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return error_errno(err, "open of %s/%s", dir, list);
	r = fd_read_file(fd, ORDER_MAX, &order, NULL);
	if (r < 0)
		return error_errnum(err, r, "read of %s/%s", dir, list);

	for (file = strtok_r(order, "\n", &save); file; file = strtok_r(NULL, "\n", &save)) {
		r = load_one(dirfd, file, err);
		if (r < 0)
			return r;
	}
	return 0;
}
