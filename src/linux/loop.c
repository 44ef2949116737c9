/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loop devices (loop(4)): which one is free is only a hint, so whoever loses the race for it asks again. */
#include "linux/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdint.h>
#include <stdio.h>

#include "base/fd.h"
#include "linux/sys.h"

enum { ATTEMPTS = 64 };

static int try_free(int control, int file_fd)
{
	const struct loop_config config = { .fd = (uint32_t)file_fd, .info = { .lo_flags = LO_FLAGS_AUTOCLEAR } };
	_cleanup_fd_ int fd = -1;
	char path[32];
	int n = sys_ioctl(control, LOOP_CTL_GET_FREE, 0), r;

	if (n < 0)
		return n;
	snprintf(path, sizeof(path), "/dev/loop%d", n);
	fd = sys_openat(AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	r = sys_ioctl(fd, LOOP_CONFIGURE, (unsigned long)&config);
	return r < 0 ? r : TAKE_FD(fd);
}

int loop_attach(int file_fd, struct error *err)
{
	_cleanup_fd_ int control = sys_openat(AT_FDCWD, "/dev/loop-control", O_RDWR | O_CLOEXEC, 0);
	int r = control;

	if (r < 0)
		return error_errnum(err, r, "/dev/loop-control");
	for (int i = 0; i < ATTEMPTS; i++) {
		r = try_free(control, file_fd);
		if (r != -EBUSY && r != -ENXIO)
			break;
	}
	return r < 0 ? error_errnum(err, r, "make a loop device") : r;
}
