/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_PTY_H
#define HV_LINUX_PTY_H

#include <sys/types.h>

#include "base/error.h"

/* Pseudo-terminals, pty(7). All of them are async-signal-safe. */

/*
 * The other side of a master that was opened from a /dev/ptmx: unlocked and opened by TIOCGPTPEER (4.13), so
 * that no path is involved which a container could have replaced (CVE-2025-52565). Refuses a master that is
 * not one. Returns the CLOEXEC slave fd, or < 0.
 */
int pty_open_peer(int master_fd, struct error *err);

/* The window's size; 0, 0 is left alone. Returns 0 or -errno. */
int pty_set_size(int fd, unsigned rows, unsigned columns);

/* Makes it the controlling terminal of the caller, a session leader without one, setsid(2). Returns 0 or
 * -errno. */
int pty_make_controlling(int slave_fd);

/*
 * Hands the master to whoever listens on a console socket: one message, name as its bytes, one fd (what
 * docker, containerd and conmon expect). Returns 0 or -errno.
 */
int pty_send(int console_socket, int master_fd, const char *name);

#endif
