/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The host's side of a container's terminal. Two terminals are in a row, one in the guest and this one; all
 * line discipline is the guest's, so this one is raw. Its slave is our controlling terminal because the
 * kernel tells window changes, made at the master that the console socket's peer holds, to nobody else
 * (tty_ioctl(4), SIGWINCH).
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <ocispec/types.h>

#include "base/fd.h"
#include "linux/pty.h"
#include "vmwp/worker.h"

static int open_pair(int *ret_master, char *name, size_t size, struct error *err)
{
	_cleanup_fd_ int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	int slave;

	if (master < 0)
		return error_errno(err, "open a terminal");
	if (unlockpt(master) < 0 || ptsname_r(master, name, size) != 0)
		return error_errno(err, "unlock the terminal");
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return error_errno(err, "open the terminal's other side");
	*ret_master = TAKE_FD(master);
	return slave;
}

static int make_raw(int fd, struct error *err)
{
	struct termios t;

	if (tcgetattr(fd, &t) < 0)
		return error_errno(err, "tcgetattr");
	cfmakeraw(&t);
	return tcsetattr(fd, TCSANOW, &t) < 0 ? error_errno(err, "tcsetattr") : 0;
}

int terminal_open(int console_socket, const struct oci_box *size, struct error *err)
{
	_cleanup_fd_ int socket = console_socket, master = -1, slave = -1;
	char name[64];
	int r;

	slave = open_pair(&master, name, sizeof(name), err);
	if (slave < 0)
		return slave;
	r = make_raw(slave, err);
	if (r < 0)
		return r;
	r = size ? pty_set_size(slave, size->height, size->width) : 0;
	if (r == 0)
		r = pty_make_controlling(slave);
	if (r < 0)
		return error_errnum(err, r, "set up the terminal");
	r = pty_send(socket, master, name);
	return r < 0 ? error_errnum(err, r, "send the terminal to the console socket") : TAKE_FD(slave);
}
