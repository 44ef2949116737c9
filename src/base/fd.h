/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_BASE_FD_H
#define HV_BASE_FD_H

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"

/* Closes fd when it is >= 0, keeps errno. Returns -1, so that "fd = fd_close(fd)" empties the variable. */
int fd_close(int fd);

static inline void fd_closep(int *fd)
{
	fd_close(*fd);
}
#define _cleanup_fd_ _cleanup_(fd_closep)

/* Sets or clears FD_CLOEXEC. Returns 0 or -errno. */
int fd_set_cloexec(int fd, int on);

/* Sets or clears O_NONBLOCK. Returns 0 or -errno. */
int fd_set_nonblock(int fd, int on);

/* Writes all n bytes, through short writes and EINTR. Returns 0 or -errno. */
int fd_write_all(int fd, const void *buf, size_t n);

/* Reads until n bytes or the end of the file, through EINTR. Returns the number of bytes read or -errno. */
ssize_t fd_read_all(int fd, void *buf, size_t n);

/*
 * Reads to the end of the file into a fresh, NUL-terminated buffer the caller frees; more than max bytes
 * gives -EFBIG.
 */
int fd_read_file(int fd, size_t max, char **ret, size_t *ret_len);

enum { FD_PASS_MAX = 250 }; /* below the kernel's SCM_MAX_FD of 253, unix(7) */

/*
 * Sends buf with n_fds descriptors (SCM_RIGHTS, unix(7)) in one sendmsg. The fds stay the caller's. Returns 0
 * or -errno.
 */
int fd_send(int sock, const void *buf, size_t len, const int *fds, size_t n_fds);

/*
 * Receives one message and at most max_fds descriptors, CLOEXEC set; *ret_n_fds tells how many. Returns the
 * number of bytes (0 at the end of the stream) or -errno; more descriptors than asked for are closed and give
 * -EPROTO.
 */
ssize_t fd_recv(int sock, void *buf, size_t len, int *fds, size_t max_fds, size_t *ret_n_fds);

/* A socketpair(2) of type (SOCK_STREAM, SOCK_SEQPACKET), both ends CLOEXEC. Returns 0 or -errno. */
int fd_socketpair(int type, int ret[2]);

/*
 * Binds and listens on / connects to the unix socket "name" in dirfd, without the 108-byte limit on paths.
 * Returns a CLOEXEC fd or -errno.
 */
int fd_listen_at(int dirfd, const char *name, int type);
int fd_connect_at(int dirfd, const char *name, int type);

/*
 * Connects to the unix socket at an absolute or relative path of any length (SOCK_STREAM or another type).
 * Returns a CLOEXEC fd or -errno.
 */
int fd_connect_path(const char *path, int type);

#endif
