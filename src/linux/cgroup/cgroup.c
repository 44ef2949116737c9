/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The handle on a group: one directory in every mounted hierarchy (a single one on pure v2), how it is kept
 * in state.json, and how processes are moved into it. Directories are held as fds; nothing in here makes or
 * removes any.
 */
#include "linux/cgroup/cgroup.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/path.h"
#include "base/str.h"
#include "linux/cgroup/internal.h"
#include "linux/cgroup/layout.h"
#include "linux/cgroup/manager-systemd.h"
#include "linux/sys.h"

static const char *const managers[_CGROUP_MANAGER_MAX] = {
	[CGROUP_MANAGER_CGROUPFS] = "cgroupfs",
	[CGROUP_MANAGER_SYSTEMD] = "systemd",
	[CGROUP_MANAGER_DISABLED] = "disabled",
};

const char *cgroup_manager_to_string(enum cgroup_manager_type m)
{
	return m >= 0 && m < _CGROUP_MANAGER_MAX ? managers[m] : NULL;
}

int cgroup_manager_from_string(const char *s, struct error *err)
{
	int m = str_index(managers, _CGROUP_MANAGER_MAX, s);

	return m >= 0 ? m
		      : error_set(err, EINVAL, "\"%s\" is not a cgroup manager (cgroupfs, systemd, disabled)",
				  s);
}

/* Takes what h has. */
static struct cgroup_hierarchy *add_opened(struct cgroup *cg, struct cgroup_hierarchy h)
{
	h.tasks_fd = -1;
	cg->h = xreallocarray(cg->h, cg->n + 1, sizeof(*cg->h));
	cg->h[cg->n] = h;
	return &cg->h[cg->n++];
}

struct cgroup_hierarchy *cgroup_add_hierarchy(struct cgroup *cg, char *controllers, char *mount_point,
					      char *dir, int dirfd)
{
	return add_opened(cg, (struct cgroup_hierarchy){
				      .controllers = controllers,
				      .mount_point = mount_point,
				      .dir = dir,
				      .dirfd = dirfd < 0 ? -1 : dirfd,
			      });
}

struct cgroup *cgroup_free(struct cgroup *cg)
{
	if (!cg)
		return NULL;
	for (size_t i = 0; i < cg->n; i++) {
		free(cg->h[i].controllers);
		free(cg->h[i].mount_point);
		free(cg->h[i].dir);
		fd_close(cg->h[i].dirfd);
		fd_close(cg->h[i].tasks_fd);
	}
	free(cg->h);
	if (cg->leaf.dir) {
		free(cg->leaf.controllers);
		free(cg->leaf.dir);
		fd_close(cg->leaf.dirfd);
	}
	systemd_unit_release(cg);
	free(cg->unit.name);
	free(cg);
	return NULL;
}

/* Stand for controllers in the string of a systemd unit, whose name follows where a directory would. */
#define SYSTEM_UNIT "unit=system"
#define USER_UNIT "unit=user"
/* And the one in that of a group that is delegated. */
#define LEAF "group=delegated"

char **cgroup_to_strings(const struct cgroup *cg)
{
	char **v = xcalloc(cg->n + 3, sizeof(*v));
	size_t n = cg->n;

	for (size_t i = 0; i < cg->n; i++)
		v[i] = xasprintf("%s:%u:%s", cg->h[i].controllers, cg->h[i].made, cg->h[i].dir);
	if (cg->leaf.dir)
		v[n++] = xasprintf(LEAF ":%u:%s", cg->leaf.made, cg->leaf.dir);
	if (cg->unit.name)
		v[n] = xasprintf("%s:%u:/%s", cg->unit.user ? USER_UNIT : SYSTEM_UNIT, cg->unit.made, cg->unit.name);
	return v;
}

static enum cgroup_mode mode_of(const struct cgroup *cg)
{
	bool v2 = cgroup_v2(cg) != NULL;

	return cgroup_mode_of(cg->n > (size_t)v2, v2);
}

void cgroup_set_leaf(struct cgroup *cg, char *dir, unsigned made)
{
	int fd = file_open_dir(AT_FDCWD, dir);

	cg->leaf = (struct cgroup_hierarchy){ .controllers = xstrdup(""), .dir = dir, .dirfd = fd < 0 ? -1 : fd, .tasks_fd = -1, .made = made };
}

const char *cgroup_process_dir(const struct cgroup *cg, const struct cgroup_hierarchy *h)
{
	return cg->leaf.dir && h->controllers[0] == '\0' ? cg->leaf.dir : h->dir;
}

/* The same as a descriptor. */
static int process_dirfd(const struct cgroup *cg, const struct cgroup_hierarchy *h)
{
	return cg->leaf.dir && h->controllers[0] == '\0' ? cg->leaf.dirfd : h->dirfd;
}

int cgroup_from_strings(char *const *v, size_t n, struct cgroup **ret, struct error *err)
{
	_cleanup_cgroup_ struct cgroup *cg = xcalloc(1, sizeof(*cg));

	for (size_t i = 0; i < n; i++) {
		const char *made = strchr(v[i], ':'), *dir = made ? strchr(made + 1, ':') : NULL;
		_cleanup_free_ char *count = dir ? xstrndup(made + 1, (size_t)(dir - made - 1)) : NULL;
		bool user = strncmp(v[i], USER_UNIT ":", strlen(USER_UNIT ":")) == 0;
		uint32_t n_made;

		if (!dir || num_parse_u32(count, &n_made) < 0 || !path_is_absolute(dir + 1))
			return error_set(err, EINVAL,
					 "cgroup[%zu]: \"%s\" is not \"controllers:count:directory\"", i,
					 v[i]);
		if (user || strncmp(v[i], SYSTEM_UNIT ":", strlen(SYSTEM_UNIT ":")) == 0) {
			free(cg->unit.name);
			cg->unit = (struct cgroup_unit){ .name = xstrdup(dir + 2), .user = user, .made = n_made > 0 };
			continue;
		}
		if (strncmp(v[i], LEAF ":", strlen(LEAF ":")) == 0 && !cg->leaf.dir) {
			cgroup_set_leaf(cg, xstrdup(dir + 1), n_made);
			continue;
		}
		cgroup_add_hierarchy(cg, xstrndup(v[i], (size_t)(made - v[i])), NULL, xstrdup(dir + 1), file_open_dir(AT_FDCWD, dir + 1))
			->made = n_made;
	}
	cg->mode = mode_of(cg);
	*ret = TAKE_PTR(cg);
	return 0;
}

enum cgroup_mode cgroup_mode(const struct cgroup *cg)
{
	return cg->mode;
}

size_t cgroup_hierarchies(const struct cgroup *cg, const struct cgroup_hierarchy **ret)
{
	*ret = cg->h;
	return cg->n;
}

const struct cgroup_hierarchy *cgroup_v2(const struct cgroup *cg)
{
	for (size_t i = 0; i < cg->n; i++)
		if (cg->h[i].controllers[0] == '\0')
			return &cg->h[i];
	return NULL;
}

const struct cgroup_hierarchy *cgroup_find(const struct cgroup *cg, enum cgroup_version v,
					   const char *controller)
{
	if (v == CGROUP_V2)
		return cgroup_v2(cg);
	for (size_t i = 0; i < cg->n; i++)
		if (cgroup_list_has(cg->h[i].controllers, controller))
			return &cg->h[i];
	return NULL;
}

const struct cgroup_hierarchy *cgroup_main(const struct cgroup *cg)
{
	const struct cgroup_hierarchy *h = cgroup_v2(cg);

	if (!h)
		h = cgroup_find(cg, CGROUP_V1, "freezer");
	return h || cg->n == 0 ? h : &cg->h[0];
}

bool cgroup_has_v2(const struct cgroup *cg)
{
	return cgroup_v2(cg) != NULL;
}

/*
 * pids.max lets nobody be born in a full group (of limit 0, or 1 beside a unit's holder); who is moved there is not counted. And kernels of
 * today (6.18) kill whoever clone3(2) puts into a group where cgroup.kill has been written to more or less often than in the parent's
 * (kernel/cgroup/cgroup.c, cgroup_css_set_fork(): kill_seq): where a group that create has found may have had that. Whose own group has had it
 * sees what it has made dead, and makes it once more (native/spawn.h).
 */
int cgroup_clone_fd(const struct cgroup *cg)
{
	const struct cgroup_hierarchy *h = cgroup_v2(cg);
	_cleanup_free_ char *pids_max = NULL;
	uint64_t max;

	if (!h || (cg->found && !cg->unit.name))
		return -1;
	if (file_read_at(h->dirfd, "pids.max", CGROUP_TEXT_MAX, &pids_max, NULL) == 0 && num_scan_u64(pids_max, &max) &&
	    max <= (cg->unit.holder > 0))
		return -1;
	return process_dirfd(cg, h);
}

static int cannot_move(const struct cgroup_hierarchy *h, pid_t pid, int r, struct error *err)
{
	return error_errnum(err, r, "unable to apply cgroup configuration: cannot move process %d to %s", (int)pid, h->dir);
}

static int join(const struct cgroup *cg, const struct cgroup_hierarchy *h, pid_t pid, struct error *err)
{
	char text[16];
	int r;

	snprintf(text, sizeof(text), "%d", (int)pid);
	r = file_write_str(process_dirfd(cg, h), "cgroup.procs", text);
	/* a user without privileges moves processes within a delegated tree only; systemd does it for the user's units */
	if (r == -EACCES && cg->unit.user && h->controllers[0] == '\0')
		return systemd_unit_attach(cg, pid ? pid : getpid(), cgroup_process_dir(cg, h), err);
	return r < 0 ? cannot_move(h, pid, r, err) : 0;
}

int cgroup_join(const struct cgroup *cg, pid_t pid, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < cg->n; i++)
		r = join(cg, &cg->h[i], pid, err);
	return r;
}

int cgroup_join_v2(const struct cgroup *cg, pid_t pid, struct error *err)
{
	const struct cgroup_hierarchy *h = cgroup_v2(cg);

	return h ? join(cg, h, pid, err) : 0;
}

int cgroup_open_tasks(struct cgroup *cg, struct error *err)
{
	for (size_t i = 0; i < cg->n; i++) {
		struct cgroup_hierarchy *h = &cg->h[i];

		if (h->controllers[0] == '\0' || h->tasks_fd >= 0)
			continue;
		h->tasks_fd = openat(h->dirfd, "tasks", O_WRONLY | O_CLOEXEC | O_NOCTTY);
		if (h->tasks_fd < 0)
			return error_errno(err, "unable to apply cgroup configuration: open tasks of %s", h->dir);
	}
	return 0;
}

int cgroup_enter(const struct cgroup *cg, struct error *err)
{
	for (size_t i = 0; i < cg->n; i++)
		if (cg->h[i].tasks_fd >= 0 && write(cg->h[i].tasks_fd, "0", 1) < 0)
			return cannot_move(&cg->h[i], getpid(), -errno, err);
	return 0;
}

/* A handle on "below" of h; one that leads out, by whatever way, is refused by the kernel. */
static int open_below(struct cgroup *result, const struct cgroup_hierarchy *h, const char *below)
{
	const struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	int fd = sys_openat2(h->dirfd, *below ? below : ".", &how);

	if (fd < 0)
		return fd;
	add_opened(result, (struct cgroup_hierarchy){
				   .controllers = xstrdup(h->controllers),
				   .mount_point = xstrdup(h->mount_point),
				   .dir = path_join(h->dir, below),
				   .dirfd = fd,
			   });
	return 0;
}

/* The handle on a sub-group knows whose unit it is in, but is not what stops that. */
static void begin_sub(struct cgroup *result, const struct cgroup *cg)
{
	result->mode = cg->mode;
	result->unit.user = cg->unit.user;
	result->unit.name = cg->unit.name ? xstrdup(cg->unit.name) : NULL;
}

/* Where the controllers before the colon end; NULL when there are none, and the path is for all hierarchies. */
static const char *sub_colon(const char *sub)
{
	const char *colon = strchr(sub, ':');

	return colon && !memchr(sub, '/', (size_t)(colon - sub)) ? colon : NULL;
}

/* v2 has its controllers in one hierarchy: a single one cannot be meant there. */
static int check_controllers(const struct cgroup *cg, const char *sub, struct error *err)
{
	const char *colon = sub_colon(sub);
	_cleanup_free_ char *list = colon ? xstrndup(sub, (size_t)(colon - sub)) : NULL;
	_cleanup_strv_ char **names = colon ? str_split(list, ',') : NULL;

	for (char **n = names; n && *n; n++)
		if (!**n || !cgroup_find(cg, CGROUP_V1, *n))
			return error_set(err, EINVAL, "--cgroup: \"%s\": unknown controller \"%s\": no cgroup v1 hierarchy has it", sub, *n);
	return 0;
}

static bool names_hierarchy(const char *sub, const char *colon, const struct cgroup_hierarchy *h)
{
	_cleanup_free_ char *list = xstrndup(sub, (size_t)(colon - sub));
	_cleanup_strv_ char **names = str_split(list, ',');

	for (char **n = names; *n; n++)
		if (cgroup_list_has(h->controllers, *n))
			return true;
	return false;
}

/* The path for one hierarchy: the last one that names it, else the last one for all, else the group itself. */
static const char *sub_path(char *const *subs, const struct cgroup_hierarchy *h)
{
	const char *all = "", *own = NULL;

	for (; *subs; subs++) {
		const char *colon = sub_colon(*subs);

		if (!colon)
			all = *subs;
		else if (names_hierarchy(*subs, colon, h))
			own = colon + 1;
	}
	return own ? own : all;
}

int cgroup_open_sub(const struct cgroup *cg, char *const *subs, struct cgroup **ret, struct error *err)
{
	_cleanup_cgroup_ struct cgroup *result = xcalloc(1, sizeof(*result));

	for (char *const *s = subs; *s; s++) {
		const char *colon = sub_colon(*s);

		if (path_has_dotdot(colon ? colon + 1 : *s))
			return error_set(err, EINVAL, "bad sub cgroup path: \"%s\" leads out of the container's cgroup", *s);
		if (check_controllers(cg, *s, err) < 0)
			return -err->code;
	}
	begin_sub(result, cg);
	for (size_t i = 0; i < cg->n; i++) {
		const char *sub = sub_path(subs, &cg->h[i]);
		int r = open_below(result, &cg->h[i], sub + strspn(sub, "/"));

		if (r < 0)
			return error_errnum(err, r, "bad sub cgroup path: \"%s\" in %s", sub, cg->h[i].dir);
	}
	*ret = TAKE_PTR(result);
	return 0;
}

/*
 * What of pid's v2 path is below dir: the path's head is dir's tail, whatever dir's mount point is. "" when
 * pid is in dir itself, or is not to be found.
 */
static char *path_below(const char *dir, pid_t pid)
{
	_cleanup_free_ char *file = xasprintf("/proc/%d/cgroup", (int)pid), *text = NULL, *path = NULL;
	const char *line;

	if (file_read_at(AT_FDCWD, file, CGROUP_TEXT_MAX, &text, NULL) < 0)
		return xstrdup("");
	line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
	if (!line)
		return xstrdup("");
	line += strspn(line, "\n") + strlen("0::");
	path = xstrndup(line, strcspn(line, "\n"));
	for (char *end = path + strlen(path); end > path; end--) {
		char c = *end;
		bool found;

		if (c != '/' && c != '\0')
			continue;
		*end = '\0';
		found = str_has_suffix(dir, path);
		*end = c;
		if (found)
			return xstrdup(c ? end + 1 : end);
	}
	return xstrdup("");
}

int cgroup_open_beside(const struct cgroup *cg, pid_t pid, struct cgroup **ret, struct error *err)
{
	_cleanup_cgroup_ struct cgroup *result = xcalloc(1, sizeof(*result));

	begin_sub(result, cg);
	for (size_t i = 0; i < cg->n; i++) {
		const struct cgroup_hierarchy *h = &cg->h[i];
		_cleanup_free_ char *below = h->controllers[0] ? xstrdup("") : path_below(h->dir, pid);
		int r = open_below(result, h, below);

		if (r == -ENOENT) /* it has moved on */
			r = open_below(result, h, "");
		if (r < 0)
			return error_errnum(err, r, "cannot open the cgroup %s", h->dir);
	}
	*ret = TAKE_PTR(result);
	return 0;
}

/* What the kernel lists in /sys/kernel/cgroup/delegate (4.15), and what it would list: cgroup-v2.rst,
 * "Delegation". */
#define DELEGATE_FILES "cgroup.procs\ncgroup.threads\ncgroup.subtree_control\n"

int cgroup_chown(const struct cgroup *cg, uid_t uid, struct error *err)
{
	const struct cgroup_hierarchy *h = cgroup_v2(cg);
	const char *dir = h ? cgroup_process_dir(cg, h) : NULL;
	int dirfd = h ? process_dirfd(cg, h) : -1;
	_cleanup_free_ char *text = NULL;
	_cleanup_strv_ char **files = NULL;

	if (!h || cg->mode != CGROUP_MODE_V2)
		return 0;
	if (file_read_at(AT_FDCWD, "/sys/kernel/cgroup/delegate", CGROUP_TEXT_MAX, &text, NULL) < 0)
		text = xstrdup(DELEGATE_FILES);
	if (fchownat(dirfd, "", uid, (gid_t)-1, AT_EMPTY_PATH) < 0)
		return error_errno(err, "cannot give %s to user %u", dir, uid);
	files = str_split(text, '\n');
	for (char **f = files; *f; f++)
		if (path_is_name(*f) && fchownat(dirfd, *f, uid, (gid_t)-1, AT_SYMLINK_NOFOLLOW) < 0 &&
		    errno != ENOENT)
			return error_errno(err, "cannot give %s/%s to user %u", dir, *f, uid);
	return 0;
}

static int find_key(const char *text, const char *key, uint64_t *ret)
{
	size_t n = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, n) == 0 && line[n] == ' ')
			return num_scan_u64(line + n + 1, ret) ? 0 : -EINVAL;
	}
	return -ENOENT;
}

int cgroup_read_key(int dirfd, const char *file, const char *key, uint64_t *ret)
{
	_cleanup_free_ char *text = NULL;
	int r = file_read_at(dirfd, file, CGROUP_TEXT_MAX, &text, NULL);

	return r < 0 ? r : find_key(text, key, ret);
}

int64_t cgroup_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int cgroup_wait_event(int dirfd, const char *key, uint64_t value, int timeout_ms)
{
	_cleanup_fd_ int fd = openat(dirfd, "cgroup.events", O_RDONLY | O_CLOEXEC);
	int64_t deadline = cgroup_now_ms() + timeout_ms;

	if (fd < 0)
		return errno == ENOENT || errno == ENODEV ? 0 : -errno; /* gone before it was opened: as below */
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLPRI};
		int64_t left = deadline - cgroup_now_ms();
		char text[256];
		uint64_t now;
		ssize_t len = pread(fd, text, sizeof(text) - 1, 0);
		int r;

		if (len < 0)
			return errno == ENODEV ? 0
					       : -errno; /* the group is gone: nothing in it runs or waits */
		text[len] = '\0';
		r = find_key(text, key, &now);
		if (r < 0)
			return r;
		if (now == value)
			return 0;
		if (left <= 0)
			return -ETIMEDOUT;
		poll(&p, 1, (int)left); /* returns at once when the file has changed since the read */
	}
}
