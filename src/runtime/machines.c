/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which state roots there are on this host, asked of the workers of machines: a worker keeps its state directory open as long as it lives, and the root
 * is above that. Any process may call itself hvrun-vmwp, and root in a container can make a directory with a state.json that looks right. So a
 * state directory counts only when
 *
 *   - the descriptor is of the same inode on the same mount as that path is for us (mnt_id, proc_pid_fdinfo(5)): every mount namespace has mounts of its
 *     own, so what a container's process has opened, even of a directory that we see, too, is on another one;
 *   - it and the root belong to root or to us, and nobody else may write there;
 *   - the state.json in there names this process, by pid and start time, as the container's of type HyperV.
 *
 * What is listed then is what that root's state directories say, as for any other root. Which file the worker runs is not asked: it may have been
 * replaced since.
 */
#include "runtime/machines.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/process.h"
#include "base/str.h"
#include "container/container.h"
#include "container/env.h"
#include "container/runtime_type.h"
#include "schema/types.h"

enum { CMDLINE_MAX = 2048, FDINFO_MAX = 4096 };

static DIR *open_dir(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		fd_close(fd);
	return d;
}

static void closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* The id in "hvrun-vmwp ID", for free(); NULL: it is called otherwise, as the workers of exec, of members and of templates are. */
static char *read_id(int proc_dirfd)
{
	static const char name[] = "hvrun-vmwp";
	_cleanup_free_ char *text = NULL;
	struct error err;
	size_t len;

	if (file_read_at(proc_dirfd, "cmdline", CMDLINE_MAX, &text, &len) < 0 || len <= sizeof(name) || memcmp(text, name, sizeof(name)) ||
	    strlen(text + sizeof(name)) + 1 != len - sizeof(name) || container_id_validate(text + sizeof(name), &err) < 0)
		return NULL;
	return xstrdup(text + sizeof(name));
}

static bool get_mount(int fd, uint64_t *ret)
{
	char path[48];
	_cleanup_free_ char *text = NULL;
	const char *at;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	if (file_read_at(AT_FDCWD, path, FDINFO_MAX, &text, NULL) < 0)
		return false;
	at = strstr(text, "mnt_id:\t");
	return at && num_scan_u64(at + strlen("mnt_id:\t"), ret);
}

static bool is_same(int a, int b)
{
	struct stat sa, sb;
	uint64_t ma, mb;

	return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino && get_mount(a, &ma) &&
	       get_mount(b, &mb) && ma == mb;
}

static bool is_ours_alone(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_uid == 0 || st.st_uid == geteuid()) && !(st.st_mode & (S_IWGRP | S_IWOTH));
}

/* Whether the state directory's record is about the process. */
static bool is_record_of(const struct env *env, const char *id, int proc_dirfd, pid_t pid)
{
	_cleanup_container_ struct container *c = NULL;
	struct process_stat st;
	struct error err;

	return container_open(env, id, false, &c, &err) == 0 && str_eq(c->state->runtime_type, runtime_type_names[RUNTIME_TYPE_HYPERV]) &&
	       c->state->has_pid && (pid_t)c->state->pid == pid && process_get_stat_at(proc_dirfd, &st) == 0 &&
	       st.start_time == c->state->start_time;
}

static void add_root(struct machine_roots *r, char *path, int dirfd)
{
	for (size_t i = 0; i < r->n; i++)
		if (is_same(r->v[i].dirfd, dirfd)) {
			fd_close(dirfd);
			free(path);
			return;
		}
	r->v = xreallocarray(r->v, r->n + 1, sizeof(*r->v));
	r->v[r->n++] = (struct machine_root){ path, dirfd };
}

/* held is a directory that the process has open, whose path the kernel says is path. */
static bool take_directory(struct machine_roots *roots, int held, const char *path, const char *id, int proc_dirfd, pid_t pid)
{
	_cleanup_fd_ int own = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_fd_ int above = own < 0 ? -1 : openat(own, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_free_ char *root = xstrndup(path, strlen(path) - strlen(id) - 1);
	const struct env env = { .root = root, .root_dirfd = above };

	if (above < 0 || !*root || !is_same(held, own) || !is_ours_alone(own) || !is_ours_alone(above) || !is_record_of(&env, id, proc_dirfd, pid))
		return false;
	add_root(roots, TAKE_PTR(root), TAKE_FD(above));
	return true;
}

/* Looks at what it has open for a directory of that name. */
static void look_at(struct machine_roots *roots, int proc_dirfd, pid_t pid, const char *id)
{
	_cleanup_(closedirp) DIR *fds = open_dir(proc_dirfd, "fd");
	_cleanup_free_ char *suffix = xasprintf("/%s", id);
	bool doubtful = false;

	for (struct dirent *e; fds && (e = readdir(fds));) {
		char path[PATH_MAX];
		ssize_t n = readlinkat(dirfd(fds), e->d_name, path, sizeof(path) - 1);
		_cleanup_fd_ int held = -1;

		if (n <= 0 || *path != '/')
			continue;
		path[n] = '\0';
		if (!str_has_suffix(path, suffix))
			continue;
		held = openat(dirfd(fds), e->d_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (held < 0)
			continue;
		if (take_directory(roots, held, path, id, proc_dirfd, pid))
			return;
		doubtful = true;
	}
	roots->n_doubtful += doubtful;
}

static int compare(const void *a, const void *b)
{
	const struct machine_root *x = a, *y = b;

	return strcmp(x->path, y->path);
}

int machines_find_roots(struct machine_roots *ret, struct error *err)
{
	_cleanup_(closedirp) DIR *proc = open_dir(AT_FDCWD, "/proc");

	if (!proc)
		return error_errno(err, "read /proc");
	for (struct dirent *e; (e = readdir(proc));) {
		_cleanup_free_ char *id = NULL;
		_cleanup_fd_ int fd = -1;
		int pid;

		if (num_parse_int(e->d_name, 1, INT_MAX, &pid) < 0)
			continue;
		fd = openat(dirfd(proc), e->d_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		id = fd < 0 ? NULL : read_id(fd);
		if (id)
			look_at(ret, fd, pid, id);
	}
	if (ret->n > 0)
		qsort(ret->v, ret->n, sizeof(*ret->v), compare);
	return 0;
}

void machine_roots_done(struct machine_roots *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->v[i].path);
		fd_close(r->v[i].dirfd);
	}
	free(r->v);
	*r = (struct machine_roots){ 0 };
}
