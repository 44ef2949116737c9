/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pseudo-terminals without paths: pty(7), ioctl_tty(2). */
#include "linux/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "base/fd.h"
#include "linux/sys.h"

enum { PTMX_MAJOR = 5, PTMX_MINOR = 2 }; /* Documentation/admin-guide/devices.txt */

/* A container's /dev/pts is only as good as its configuration: what is there must be devpts's own ptmx. */
static int check_master(int fd, struct error *err)
{
	struct statfs fs;
	struct stat st;

	if (fstatfs(fd, &fs) < 0 || fstat(fd, &st) < 0)
		return error_errno(err, "stat ptmx");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(PTMX_MAJOR, PTMX_MINOR) ||
	    fs.f_type != DEVPTS_SUPER_MAGIC)
		return error_set(err, ENODEV, "ptmx is not that of a devpts file system");
	return 0;
}

int pty_open_peer(int master_fd, struct error *err)
{
	int unlock = 0;
	int r = check_master(master_fd, err);

	if (r < 0)
		return r;
	r = sys_ioctl(master_fd, TIOCSPTLCK, (unsigned long)&unlock);
	if (r < 0)
		return error_errnum(err, r, "unlock the terminal");
	r = sys_ioctl(master_fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return r < 0 ? error_errnum(err, r, "open the terminal's other side") : r;
}

int pty_set_size(int fd, unsigned rows, unsigned columns)
{
	struct winsize size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns };

	return rows || columns ? sys_ioctl(fd, TIOCSWINSZ, (unsigned long)&size) : 0;
}

int pty_make_controlling(int slave_fd)
{
	return sys_ioctl(slave_fd, TIOCSCTTY, 0);
}

int pty_send(int console_socket, int master_fd, const char *name)
{
	return fd_send(console_socket, name, strlen(name), &master_fd, 1);
}
