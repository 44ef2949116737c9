/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The id maps of a user namespace, user_namespaces(7). A map is written once, in one write. With CAP_SETUID
 * over the parent namespace that is all; without, the kernel lets a process map its own id only, and the
 * set-uid helpers of shadow(5) map what subuid(5) grants.
 */
#include "linux/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/str.h"
#include "linux/namespace.h"
#include "linux/procfs.h"
#include "linux/sys.h"

int64_t id_map_to_outside(const struct id_map *maps, size_t n, uint32_t id)
{
	for (size_t i = 0; i < n; i++)
		if (id >= maps[i].inside && id - maps[i].inside < maps[i].count)
			return (int64_t)maps[i].outside + (id - maps[i].inside);
	return -1;
}

static char *map_text(const struct id_map *maps, size_t n)
{
	_cleanup_buf_ struct buf b = { 0 };

	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%u %u %u\n", maps[i].inside, maps[i].outside, maps[i].count);
	return buf_take(&b);
}

static bool is_own_id(const struct id_map *maps, size_t n, uint32_t own)
{
	return n == 1 && maps[0].count == 1 && maps[0].outside == own;
}

/* newuidmap PID INSIDE OUTSIDE COUNT ... */
static char **helper_argv(const char *path, pid_t pid, const struct id_map *maps, size_t n)
{
	char **argv = NULL, number[16];

	strv_append(&argv, path);
	snprintf(number, sizeof(number), "%d", (int)pid);
	strv_append(&argv, number);
	for (size_t i = 0; i < n; i++) {
		const uint32_t fields[] = { maps[i].inside, maps[i].outside, maps[i].count };

		for (size_t f = 0; f < ARRAY_SIZE(fields); f++) {
			snprintf(number, sizeof(number), "%u", fields[f]);
			strv_append(&argv, number);
		}
	}
	return argv;
}

enum { HELPER_SAYS_MAX = 4096 };

static int run_helper(const char *path, pid_t pid, const struct id_map *maps, size_t n, struct error *err)
{
	_cleanup_strv_ char **argv = helper_argv(path, pid, maps, n);
	_cleanup_free_ char *said = NULL;
	int pipe_fds[2], status, r;
	struct process_spawn spec = { .path = path, .argv = argv, .stdio = { -1, -1, -1 } };

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return error_errno(err, "pipe2");
	spec.stdio[1] = spec.stdio[2] = pipe_fds[1];
	r = process_spawn(&spec, &pid);
	close(pipe_fds[1]);
	if (r == 0 && fd_read_file(pipe_fds[0], HELPER_SAYS_MAX, &said, NULL) < 0)
		said = NULL;
	close(pipe_fds[0]);
	if (r < 0)
		return error_errnum(err, r, "%s is needed to map more ids than one's own", path);
	r = process_wait(pid, &status);
	if (r < 0)
		return error_errnum(err, r, "wait for %s", path);
	if (status == 0)
		return 0;
	return error_set(err, EPERM, "%s: exit status %d, stderr: %.*s (ids must be granted in /etc/subuid and /etc/subgid)", path,
			 process_exit_status(status), said ? (int)strcspn(said, "\n") : 0, said ? said : "");
}

static int write_map(int procfs_fd, pid_t pid, const char *file, const struct id_map *maps, size_t n,
		     struct error *err)
{
	_cleanup_free_ char *text = map_text(maps, n);
	int r = procfs_write_pid(procfs_fd, pid, file, text, strlen(text));

	return r < 0 ? error_errnum(err, r, "write %s", file) : 0;
}

static int deny_setgroups(int procfs_fd, pid_t pid, struct error *err)
{
	int r = procfs_write_pid(procfs_fd, pid, "setgroups", "deny", 4);

	return r < 0 && r != -ENOENT ? error_errnum(err, r, "write setgroups") : 0;
}

int userns_write_maps(int procfs_fd, pid_t pid, const struct userns_maps *m, struct error *err)
{
	bool root = geteuid() == 0;
	int r;

	if (m->n_gids > 0) {
		if (root || is_own_id(m->gids, m->n_gids, getegid())) {
			r = root ? 0 : deny_setgroups(procfs_fd, pid, err);
			if (r == 0)
				r = write_map(procfs_fd, pid, "gid_map", m->gids, m->n_gids, err);
		} else {
			r = run_helper("/usr/bin/newgidmap", pid, m->gids, m->n_gids, err);
		}
		if (r < 0)
			return r;
	}
	if (m->n_uids == 0)
		return 0;
	if (root || is_own_id(m->uids, m->n_uids, geteuid()))
		return write_map(procfs_fd, pid, "uid_map", m->uids, m->n_uids, err);
	return run_helper("/usr/bin/newuidmap", pid, m->uids, m->n_uids, err);
}

/* Lives until the parent closes its end. */
static _noreturn_ void hold_namespace(const int pair[2])
{
	char byte;

	close(pair[0]);
	_exit(read(pair[1], &byte, 1) == 0 ? 0 : 1);
}

int userns_new(int procfs_fd, const struct userns_maps *maps, struct error *err)
{
	const struct sys_clone args = { .flags = CLONE_NEWUSER };
	int pair[2], status, fd;
	int r = fd_socketpair(SOCK_STREAM, pair);
	pid_t pid;

	if (r < 0)
		return error_errnum(err, r, "socketpair");
	pid = sys_clone3(&args);
	if (pid == 0)
		hold_namespace(pair);
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return error_errnum(err, pid, "make a user namespace");
	}
	fd = userns_write_maps(procfs_fd, pid, maps, err);
	if (fd == 0)
		fd = namespace_open_pid(procfs_fd, pid, CLONE_NEWUSER, err);
	close(pair[0]);
	process_wait(pid, &status);
	return fd;
}
