/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The processes of a group: listed, signalled, frozen. Signals go through pidfds to processes that were seen
 * in the group after the pidfd was opened: then it is the one that is in there, whoever had the pid before.
 * SIGKILL uses cgroup.kill (5.14) where it is. Waiting is for events of the kernel, never for a time to pass.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/path.h"
#include "base/process.h"
#include "base/str.h"
#include "linux/cgroup/internal.h"

int cgroup_walk(int dirfd, int (*f)(int parent_fd, const char *name, void *arg), void *arg)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	int r = 0;

	if (!dir) {
		r = -errno;
		fd_close(fd);
		return r;
	}
	while (r >= 0 && (e = readdir(dir))) {
		_cleanup_fd_ int child = -1;

		if (e->d_type != DT_DIR || str_eq(e->d_name, ".") || str_eq(e->d_name, ".."))
			continue;
		child = openat(fd, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (child < 0)
			continue; /* gone meanwhile */
		r = cgroup_walk(child, f, arg);
		if (r >= 0)
			r = f(fd, e->d_name, arg);
	}
	closedir(dir);
	return r;
}

struct pid_list {
	pid_t *pids;
	size_t n;
};

/* A v2 group of threads lists no processes (EOPNOTSUPP): they are in the group above that is its domain. */
static int add_procs(int dirfd, struct pid_list *l)
{
	_cleanup_free_ char *text = NULL;
	uint64_t pid;
	int r = file_read_at(dirfd, "cgroup.procs", CGROUP_TEXT_MAX, &text, NULL);

	if (r == -EOPNOTSUPP || r == -ENOENT || r == -ENODEV)
		return 0;
	if (r < 0)
		return r;
	for (const char *p = text; (p = num_scan_u64(p, &pid)); p += *p == '\n') {
		l->pids = xreallocarray(l->pids, l->n + 1, sizeof(pid_t));
		l->pids[l->n++] = (pid_t)pid;
	}
	return 0;
}

static int add_procs_of(int parent_fd, const char *name, void *arg)
{
	_cleanup_fd_ int fd = file_open_dir(parent_fd, name);

	return fd < 0 ? 0 : add_procs(fd, arg);
}

int cgroup_collect_pids(int dirfd, pid_t **ret, size_t *ret_n)
{
	struct pid_list l = {.pids = xcalloc(1, sizeof(pid_t))};
	int r = add_procs(dirfd, &l);

	if (r >= 0)
		r = cgroup_walk(dirfd, add_procs_of, &l);
	if (r < 0 && r != -ENOENT && r != -ENODEV) {
		free(l.pids);
		return r;
	}
	*ret = l.pids;
	*ret_n = l.n;
	return 0;
}

int cgroup_pids(const struct cgroup *cg, pid_t **ret, size_t *ret_n, struct error *err)
{
	const struct cgroup_hierarchy *h = cgroup_main(cg);
	int r;

	if (!h)
		return error_set(err, EOPNOTSUPP,
				 "the container has no cgroup of its own (manager \"disabled\"): its "
				 "processes are not known");
	if (h->dirfd < 0) { /* removed already */
		*ret = xcalloc(1, sizeof(pid_t));
		*ret_n = 0;
		return 0;
	}
	r = cgroup_collect_pids(h->dirfd, ret, ret_n);
	return r < 0 ? error_errnum(err, r, "cannot list the processes of %s", h->dir) : 0;
}

/* A directory that is not there (any more): nothing is in it, and nothing in it is frozen. */
static bool is_gone(int r)
{
	return r == -ENOENT || r == -ENODEV || r == -EBADF;
}

/* Freezing ---------------------------------------------------------------------------------- */

static int freeze_v2(const struct cgroup_hierarchy *h, bool freeze, struct error *err)
{
	int r = file_write_str(h->dirfd, "cgroup.freeze", freeze ? "1" : "0");

	if (r < 0)
		return error_errnum(err, r, "cannot write to cgroup.freeze of %s", h->dir);
	r = cgroup_wait_event(h->dirfd, "frozen", freeze, CGROUP_WAIT_MS);
	return r < 0 ? error_errnum(err, r, "%s does not %s", h->dir, freeze ? "freeze" : "thaw") : 0;
}

/*
 * The v1 freezer has no event: reading freezer.state is what makes the kernel look again, and writing what
 * makes it try again (a process that forks all the time can escape one try). The pause is poll(2)'s, a
 * millisecond.
 */
static int freeze_v1(const struct cgroup_hierarchy *h, bool freeze, struct error *err)
{
	const char *wanted = freeze ? "FROZEN" : "THAWED";
	int64_t deadline = cgroup_now_ms() + CGROUP_WAIT_MS;

	for (;;) {
		_cleanup_free_ char *state = NULL;
		int r = file_write_str(h->dirfd, "freezer.state", wanted);

		if (r >= 0)
			r = file_read_at(h->dirfd, "freezer.state", CGROUP_TEXT_MAX, &state, NULL);
		if (r < 0)
			return error_errnum(err, r, "cannot write \"%s\" to freezer.state of %s", wanted,
					    h->dir);
		if (str_skip_prefix(state, wanted))
			return 0;
		if (cgroup_now_ms() >= deadline)
			return error_set(err, ETIMEDOUT, "%s does not get %s", h->dir, wanted);
		poll(NULL, 0, 1);
	}
}

int cgroup_freeze(const struct cgroup *cg, bool freeze, struct error *err)
{
	const struct cgroup_hierarchy *v2 = cgroup_v2(cg), *v1 = cgroup_find(cg, CGROUP_V1, "freezer");

	if (v2 && faccessat(v2->dirfd, "cgroup.freeze", W_OK, 0) == 0) /* 5.2 */
		return freeze_v2(v2, freeze, err);
	if (v1)
		return freeze_v1(v1, freeze, err);
	return error_set(
		err, EOPNOTSUPP,
		"the container's cgroup cannot be frozen: neither cgroup v2 nor the v1 freezer is there");
}

int cgroup_frozen(const struct cgroup *cg, bool *ret, struct error *err)
{
	const struct cgroup_hierarchy *v2 = cgroup_v2(cg), *v1 = cgroup_find(cg, CGROUP_V1, "freezer");
	_cleanup_free_ char *text = NULL;
	int r;

	*ret = false;
	if (v2) {
		r = file_read_at(v2->dirfd, "cgroup.freeze", CGROUP_TEXT_MAX, &text, NULL);
		if (r < 0 && !is_gone(r))
			return error_errnum(err, r, "cannot read cgroup.freeze of %s", v2->dir);
		*ret = r == 0 && text[0] == '1';
	}
	/* on a hybrid host either may have been used */
	if (*ret || !v1)
		return 0;
	free(TAKE_PTR(text));
	r = file_read_at(v1->dirfd, "freezer.state", CGROUP_TEXT_MAX, &text, NULL);
	if (r < 0 && !is_gone(r))
		return error_errnum(err, r, "cannot read freezer.state of %s", v1->dir);
	*ret = r == 0 && !str_skip_prefix(text, "THAWED");
	return 0;
}

/* The one that has the controller; -1 when there is none. v2's string starts with ":". */
static ssize_t find_string(char *const *v, size_t n, const char *controllers)
{
	for (size_t i = 0; i < n; i++) {
		const char *rest = str_skip_prefix(v[i], controllers);

		if (rest && *rest == ':')
			return (ssize_t)i;
	}
	return -1;
}

enum { WORD_SIZE = 16 };

/* The word in a file of the group that "controllers:made:directory" tells of; "" when there is none any more. */
static int read_word(const char *string, const char *file, char ret[static WORD_SIZE], struct error *err)
{
	const char *made = strchr(string, ':'), *dir = made ? strchr(made + 1, ':') : NULL;
	_cleanup_free_ char *path = NULL;
	_cleanup_fd_ int fd = -1;
	ssize_t n;

	ret[0] = '\0';
	if (!dir || !path_is_absolute(dir + 1))
		return error_set(err, EINVAL, "cgroup: \"%s\" is not \"controllers:count:directory\"", string);
	path = path_join(dir + 1, file);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	n = fd < 0 ? -errno : read(fd, ret, WORD_SIZE - 1);
	if (fd >= 0 && n < 0)
		n = -errno;
	if (n < 0 && !is_gone((int)n))
		return error_errnum(err, (int)n, "cannot read %s", path);
	ret[n < 0 ? 0 : n] = '\0';
	return 0;
}

/*
 * Linux 6.1 gave what is frozen a state of its own (TASK_FROZEN, shown as 'D'); before that a group counted as frozen whose processes slept on
 * undisturbed, in poll(2) for example, as 'S'.
 */
static bool frozen_has_a_state(void)
{
	static int known = -1;
	struct utsname u;
	const char *p;
	uint64_t major, minor;

	if (known >= 0)
		return known;
	known = uname(&u) == 0 && (p = num_scan_u64(u.release, &major)) && *p == '.' && num_scan_u64(p + 1, &minor) &&
		(major > 6 || (major == 6 && minor >= 1));
	return known;
}

int cgroup_strings_frozen(char *const *v, size_t n, char state, bool *ret, struct error *err)
{
	ssize_t v2 = find_string(v, n, ""), v1 = find_string(v, n, "freezer");
	char word[WORD_SIZE] = "";
	int r = v2 < 0 ? 0 : read_word(v[v2], "cgroup.freeze", word, err);

	*ret = r == 0 && word[0] == '1';
	if (r < 0 || *ret || v1 < 0 || ((state == 'R' || state == 'S') && frozen_has_a_state()))
		return r;
	r = read_word(v[v1], "freezer.state", word, err);
	*ret = r == 0 && word[0] && !str_skip_prefix(word, "THAWED");
	return r;
}

/* Signals ----------------------------------------------------------------------------------- */

static bool contains(const pid_t *pids, size_t n, pid_t pid)
{
	for (size_t i = 0; i < n; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

/* Signals those that are in the group now; *ret_fds: their pidfds, one for each of *ret_n. */
static int signal_now(const struct cgroup *cg, int sig, struct pollfd **ret_fds, size_t *ret_n,
		      struct error *err)
{
	_cleanup_free_ pid_t *before = NULL, *after = NULL;
	struct pollfd *fds;
	size_t n_before, n_after, n = 0;
	int r = cgroup_pids(cg, &before, &n_before, err);

	if (r < 0)
		return r;
	fds = xcalloc(n_before, sizeof(*fds));
	for (size_t i = 0; i < n_before; i++)
		fds[i] = (struct pollfd){.fd = process_pidfd_open(before[i]), .events = POLLIN};
	r = cgroup_pids(cg, &after, &n_after, err);
	for (size_t i = 0; i < n_before; i++) {
		bool ours = r >= 0 && fds[i].fd >= 0 && contains(after, n_after, before[i]);
		int k = ours ? process_pidfd_kill(fds[i].fd, sig) : 0;

		if (k < 0 && k != -ESRCH && r >= 0)
			r = error_errnum(err, k, "cannot send signal %d to process %d", sig, (int)before[i]);
		if (ours && k >= 0)
			fds[n++] = fds[i];
		else
			fd_close(fds[i].fd);
	}
	*ret_fds = fds;
	*ret_n = n;
	return r;
}

static void close_all(struct pollfd *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fd_close(fds[i].fd);
	free(fds);
}

/* Until all of them have exited; 0 or -ETIMEDOUT. */
static int wait_all(struct pollfd *fds, size_t n, int64_t deadline)
{
	for (size_t i = 0; i < n; i++) {
		int64_t left = deadline - cgroup_now_ms();
		int r = process_pidfd_wait(fds[i].fd, left > 0 ? (int)left : 0);

		if (r == -ETIMEDOUT)
			return r;
	}
	return 0;
}

/* Frozen v1 processes die only when thawed; unfrozen ones may fork while they are killed: freeze, kill, thaw,
 * and again until none is left. */
static int kill_by_signals(const struct cgroup *cg, struct error *err)
{
	int64_t deadline = cgroup_now_ms() + CGROUP_WAIT_MS;

	for (;;) {
		bool frozen = cgroup_freeze(cg, true, NULL) >= 0;
		struct pollfd *fds = NULL;
		size_t n = 0;
		int r = signal_now(cg, SIGKILL, &fds, &n, err);
		int thawed = frozen ? cgroup_freeze(cg, false, r < 0 ? NULL : err) : 0;

		if (r >= 0)
			r = thawed;
		if (r >= 0 && wait_all(fds, n, deadline) < 0)
			r = error_set(err, ETIMEDOUT, "%zu processes of the container do not die", n);
		close_all(fds, n);
		if (r < 0 || n == 0)
			return r;
	}
}

static int kill_all(const struct cgroup *cg, struct error *err)
{
	const struct cgroup_hierarchy *v2 = cgroup_v2(cg);
	int r;

	if (cgroup_main(cg)->dirfd < 0)
		return 0;
	r = v2 ? file_write_str(v2->dirfd, "cgroup.kill", "1") : -ENOENT;
	if (r == -ENODEV) /* removed meanwhile */
		return 0;
	if (r < 0)
		return kill_by_signals(cg, err);
	r = cgroup_wait_event(v2->dirfd, "populated", 0, CGROUP_WAIT_MS);
	return r < 0 ? error_errnum(err, r, "killed processes of the container do not die") : 0;
}

/* Whether the directory is where its hierarchy is mounted: ".." leads to another file system there. */
static bool is_hierarchys_root(int dirfd)
{
	struct stat own, parent;

	return fstat(dirfd, &own) < 0 || fstatat(dirfd, "..", &parent, 0) < 0 || own.st_dev != parent.st_dev;
}

/* A hierarchy's root holds what is in no group, and that is never a container's: whatever says so is wrong. */
static int refuse_roots(const struct cgroup *cg, struct error *err)
{
	for (size_t i = 0; i < cg->n; i++)
		if (cg->h[i].dirfd >= 0 && is_hierarchys_root(cg->h[i].dirfd))
			return error_set(err, EPERM, "%s is the root of a hierarchy: its processes are not signalled",
					 cg->h[i].dir);
	return 0;
}

int cgroup_signal(const struct cgroup *cg, int sig, struct error *err)
{
	struct pollfd *fds = NULL;
	size_t n = 0;
	int r = refuse_roots(cg, err);

	if (r < 0)
		return r;
	if (sig == SIGKILL && cg->n > 0)
		return kill_all(cg, err);
	r = signal_now(cg, sig, &fds, &n, err);
	close_all(fds, n);
	return r;
}
