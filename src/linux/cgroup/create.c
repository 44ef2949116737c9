/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes a group: unit (manager systemd) or path, directories, controllers switched on down the path (v2), cpusets filled (v1), limits,
 * device filter; then a process may join. All decisions that need no kernel come before the first mkdir, and
 * a failure after it takes away what was made.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <ocispec/types.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "linux/cgroup/devices.h"
#include "linux/cgroup/internal.h"
#include "linux/cgroup/layout.h"
#include "linux/cgroup/manager-systemd.h"

/* Where groups go that have a relative path; all below it is ours, so that the last one to leave removes it
 * too. */
#define OWN_PARENT "/hvrun"

/* Of those that have none. Not below OWN_PARENT: a directory more in each of v1's hierarchies is an eighth of what run costs. */
#define OWN_PREFIX "/hvrun-"

/* How often a parent may vanish while we make our directory below it: another container's delete removes an
 * empty OWN_PARENT. */
enum { MKDIR_TRIES = 100 };

/* What is decided before anything is made. */
struct plan_create {
	char *path;    /* absolute, normalized, below each hierarchy's mount point */
	bool own;      /* where it is by our choice: all of the path is ours */
	bool below_unit; /* it is not the unit's own group, but one in it */
	struct systemd_unit unit; /* of manager systemd; path is then where it says the group is */
	char *v1, *v2; /* controllers there are */
	struct cgroup_writes writes;
	struct device_rule *rules;
	size_t n_rules;
};

static void plan_done(struct plan_create *p)
{
	free(p->path);
	systemd_unit_done(&p->unit);
	free(p->v1);
	free(p->v2);
	cgroup_writes_done(&p->writes);
	free(p->rules);
}

static int plan_path(const struct cgroup_request *req, struct plan_create *p, struct error *err)
{
	const char *given = req->path;
	_cleanup_free_ char *absolute = NULL;

	if (str_is_empty(given)) {
		p->own = true;
		p->path = xasprintf(OWN_PREFIX "%s", req->id);
		return 0;
	}
	if (path_has_dotdot(given))
		return error_set(err, EINVAL, "linux.cgroupsPath: \"%s\" must not contain \"..\"", given);
	p->own = !path_is_absolute(given);
	absolute = path_join(OWN_PARENT, given);
	p->path = path_normalize(absolute);
	if (str_eq(p->path, "/") || (p->own && str_eq(p->path, OWN_PARENT)))
		return error_set(err, EINVAL, "linux.cgroupsPath: \"%s\" names no group of its own", given);
	return 0;
}

/* The v2 file lists them with spaces between: as the comma-separated list that v1 uses. */
static char *read_controllers(int dirfd, const char *file)
{
	_cleanup_free_ char *text = NULL;

	if (file_read_at(dirfd, file, CGROUP_TEXT_MAX, &text, NULL) < 0)
		return NULL;
	text[strcspn(text, "\n")] = '\0';
	for (char *p = text; *p; p++)
		*p = *p == ' ' ? ',' : *p;
	return TAKE_PTR(text);
}

char *cgroup_read_controllers(int dirfd)
{
	return read_controllers(dirfd, "cgroup.controllers");
}

static void plan_controllers(const struct cgroup_layout *l, struct plan_create *p)
{
	_cleanup_buf_ struct buf v1 = {0};

	for (size_t i = 0; i < l->n_mounts; i++) {
		const struct cgroup_mount *m = &l->mounts[i];

		if (m->controllers[0] == '\0') {
			_cleanup_fd_ int fd = file_open_dir(AT_FDCWD, m->mount_point);

			p->v2 = fd < 0 ? NULL : cgroup_read_controllers(fd);
		} else if (!strchr(m->controllers, '=')) {
			buf_printf(&v1, "%s%s", v1.len ? "," : "", m->controllers);
		}
	}
	p->v1 = buf_take(&v1);
}

static int plan(const struct cgroup_request *req, const struct cgroup_layout *l, struct plan_create *p,
		struct error *err)
{
	struct cgroup_controllers have;
	int r = req->manager == CGROUP_MANAGER_SYSTEMD
			? systemd_unit_parse(req->path, req->id, req->rootless, &p->unit, err)
			: plan_path(req, p, err);

	if (r < 0)
		return r;
	if (p->unit.is_slice && req->subgroup)
		return error_set(err, EINVAL, "linux.cgroupsPath: \"%s\" is a slice, which systemd does not let others make groups in: \"%s\" "
				 "(annotation run.oci.systemd.subgroup) needs a scope", p->unit.name, req->subgroup);
	plan_controllers(l, p);
	have = (struct cgroup_controllers){.of = {p->v1, p->v2}};
	r = cgroup_resources_plan(req->resources, &have, &p->writes, err);
	if (r < 0)
		return r;
	return device_rules_from_oci(req->resources, &p->rules, &p->n_rules, err);
}

/* Directories ------------------------------------------------------------------------------- */

static unsigned count_components(const char *path)
{
	unsigned n = 0;

	for (const char *p = path; *p; p++)
		n += *p == '/';
	return n;
}

/*
 * mkdir -p below the mount point, counting those at the end of the path that were not there. After a failure
 * those that are missing count too: removing from the end up to the first one that we made passes over them.
 */
static int make_dirs(struct cgroup_hierarchy *h, const char *path)
{
	_cleanup_free_ char *dir = xstrdup(h->dir);
	char *start = dir + strlen(dir) - strlen(path);

	h->made = 0;
	if (mkdir(dir, 0755) == 0) {
		h->made = 1;
		return 0;
	}
	if (errno != ENOENT)
		return errno == EEXIST ? 0 : -errno;
	for (char *p = start; p; p = strchr(p + 1, '/')) {
		char *end = strchr(p + 1, '/');
		int r;

		if (end)
			*end = '\0';
		r = mkdir(dir, 0755) < 0 ? -errno : 0;
		if (end)
			*end = '/';
		if (r < 0 && r != -EEXIST) {
			h->made += h->made > 0 ? count_components(p) : 0;
			return r;
		}
		h->made = r == 0 ? h->made + 1 : 0;
	}
	return 0;
}

static int make_hierarchy(struct cgroup *cg, const struct cgroup_mount *m, const struct plan_create *p,
			  struct error *err)
{
	struct cgroup_hierarchy *h;
	char *dir = xasprintf("%s%s", str_eq(m->mount_point, "/") ? "" : m->mount_point, p->path);
	int r = -ENOENT;

	h = cgroup_add_hierarchy(cg, xstrdup(m->controllers), xstrdup(m->mount_point), dir, -1);
	for (int i = 0; i < MKDIR_TRIES && r == -ENOENT && h->dirfd < 0; i++) {
		r = make_dirs(h, p->path);
		if (r == 0) {
			h->dirfd = file_open_dir(AT_FDCWD, dir);
			r = h->dirfd < 0 ? h->dirfd : 0;
		}
	}
	if (h->dirfd < 0)
		return error_errnum(err, r, "unable to apply cgroup configuration: cannot make %s", dir);
	cg->found |= h->controllers[0] == '\0' && h->made == 0;
	if (p->own && h->made > 0)
		h->made = count_components(p->path);
	return 0;
}

/* The group in the group, before anybody is in either: from one with processes v2 passes no controllers on. */
static int make_leaf(struct cgroup *cg, const char *name, struct error *err)
{
	const struct cgroup_hierarchy *h = cgroup_v2(cg);
	_cleanup_free_ char *dir = path_join(h->dir, name);
	bool made = mkdirat(h->dirfd, name, 0755) == 0;

	if (!made && errno != EEXIST)
		return error_errno(err, "unable to apply cgroup configuration: cannot make %s", dir);
	cgroup_set_leaf(cg, TAKE_PTR(dir), made);
	if (cg->leaf.dirfd < 0)
		return error_set(err, ENOTDIR, "unable to apply cgroup configuration: %s is no group", cg->leaf.dir);
	cg->found = !made; /* of what counts for who is born there */
	return 0;
}

/* A group that was there before must be free for use (config-linux.md, "Control groups"). */
static int check_unused(const struct cgroup *cg, struct error *err)
{
	bool existed = false, frozen = false;

	for (size_t i = 0; i < cg->n; i++) {
		_cleanup_free_ pid_t *pids = NULL;
		size_t n = 0;

		if (cg->h[i].made > 0)
			continue;
		existed = true;
		if (cgroup_collect_pids(cg->h[i].dirfd, &pids, &n) >= 0 && n > 0)
			return error_set(err, EBUSY, "container's cgroup is not empty: %s has processes",
					 cg->h[i].dir);
	}
	if (existed && cgroup_frozen(cg, &frozen, NULL) == 0 && frozen)
		return error_set(err, EBUSY, "container's cgroup unexpectedly frozen");
	return 0;
}

/* Controllers ------------------------------------------------------------------------------- */

/* Those that the limits need, and of those that v2 has (NULL: of none) the ones that tell what a container uses. */
static char **wanted_controllers(const char *v2, const struct cgroup_writes *writes)
{
	static const char *const telling[] = {"cpu", "io", "memory", "pids"};
	char **v = NULL;

	for (size_t i = 0; v2 && i < ARRAY_SIZE(telling); i++)
		if (cgroup_list_has(v2, telling[i]))
			strv_append(&v, telling[i]);
	for (size_t i = 0; i < writes->n; i++) {
		const struct cgroup_write *w = &writes->w[i];

		if (w->version == CGROUP_V2 && w->controller[0] && !strv_contains(v, w->controller))
			strv_append(&v, w->controller);
	}
	return v;
}

/* Switches on what is missing in one directory for those below it: together, and one by one when that fails.
 */
static void enable_in(int dirfd, char *const *wanted)
{
	_cleanup_free_ char *have = read_controllers(dirfd, "cgroup.subtree_control");
	_cleanup_buf_ struct buf all = {0};

	for (char *const *n = wanted; *n; n++)
		if (!have || !cgroup_list_has(have, *n))
			buf_printf(&all, "%s+%s", all.len ? " " : "", *n);
	if (all.len == 0 || file_write_at(dirfd, "cgroup.subtree_control", all.data, all.len) == 0)
		return;
	for (char *const *n = wanted; *n; n++) {
		_cleanup_free_ char *one = xasprintf("+%s", *n);
		int r = file_write_str(dirfd, "cgroup.subtree_control", one);

		if (r < 0)
			log_debug("cgroup: cannot enable controller %s: %s", *n, strerror(-r));
	}
}

/* v2: a controller is in a group only when every group above it passes it on: from the hierarchy's root, the first top bytes of dir. */
static void pass_on(const char *dir, size_t top, char *const *wanted)
{
	_cleanup_free_ char *path = xstrdup(dir);

	for (char *end = wanted ? strchr(path + top, '/') : NULL; end; end = strchr(end + 1, '/')) {
		_cleanup_fd_ int fd = -1;

		*end = '\0';
		fd = file_open_dir(AT_FDCWD, *path ? path : "/");
		*end = '/';
		if (fd >= 0)
			enable_in(fd, wanted);
	}
}

/* The first of the writes whose controller the group has not; NULL: it has all. */
static const struct cgroup_write *find_missing(const struct cgroup_hierarchy *h, const struct cgroup_writes *writes)
{
	_cleanup_free_ char *have = cgroup_read_controllers(h->dirfd);

	for (size_t i = 0; i < writes->n; i++) {
		const struct cgroup_write *w = &writes->w[i];

		if (w->version == CGROUP_V2 && w->controller[0] && (!have || !cgroup_list_has(have, w->controller)))
			return w;
	}
	return NULL;
}

/* Those that a limit needs must arrive. */
static int check_given(const struct cgroup_hierarchy *h, const struct cgroup_writes *writes, struct error *err)
{
	const struct cgroup_write *w = find_missing(h, writes);

	return w ? error_set(err, EOPNOTSUPP,
			     "%s: cannot enable the cgroup controller \"%s\" for %s (a parent group with processes of its own, or one that does not pass it on)",
			     w->field, w->controller, h->dir)
		 : 0;
}

static int enable_controllers(const struct cgroup *cg, const struct plan_create *p, struct error *err)
{
	const struct cgroup_hierarchy *h = cgroup_v2(cg);
	_cleanup_strv_ char **wanted = wanted_controllers(p->v2, &p->writes);
	int r;

	pass_on(h->dir, strlen(h->dir) - strlen(p->path), wanted);
	r = check_given(h, &p->writes, err);
	if (r == 0 && cg->leaf.dir && wanted)
		enable_in(h->dirfd, wanted);
	return r;
}

/* Where a v2 directory's hierarchy begins: how many bytes of dir, the first that is on a cgroup2; all of them when none is. */
static size_t find_top(const char *dir)
{
	_cleanup_free_ char *path = xstrdup(dir);

	for (char *end = strchr(path + 1, '/'); end; end = strchr(end + 1, '/')) {
		struct statfs fs;

		*end = '\0';
		if (statfs(path, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
			return (size_t)(end - path);
		*end = '/';
	}
	return strlen(dir);
}

char *cgroup_read_offered(const struct cgroup_hierarchy *h)
{
	_cleanup_free_ char *root = xstrndup(h->dir, find_top(h->dir));
	_cleanup_fd_ int fd = file_open_dir(AT_FDCWD, root);

	return fd < 0 ? NULL : cgroup_read_controllers(fd);
}

int cgroup_enable(const struct cgroup_hierarchy *h, const struct cgroup_writes *writes, struct error *err)
{
	_cleanup_strv_ char **wanted = NULL;

	if (!find_missing(h, writes))
		return 0;
	wanted = wanted_controllers(NULL, writes);
	pass_on(h->dir, find_top(h->dir), wanted);
	return check_given(h, writes, err);
}

static bool is_blank(const char *s)
{
	return !s || s[strspn(s, "\n")] == '\0';
}

/*
 * What is in a group's cpuset, and when that is nothing, its parent's, written there first. top: how long the hierarchy's own directory
 * is in dir, which is changed on the way and restored. fresh: just made, and therefore empty.
 */
static int fill_file(char *dir, size_t top, const char *file, bool fresh, char **ret)
{
	_cleanup_free_ char *path = path_join(*dir ? dir : "/", file), *text = NULL, *above = NULL;
	char *slash = strrchr(dir, '/');
	int r = fresh ? 0 : file_read_at(AT_FDCWD, path, CGROUP_TEXT_MAX, &text, NULL);

	if (r == 0 && is_blank(text) && strlen(dir) > top && slash) {
		*slash = '\0';
		r = fill_file(dir, top, file, false, &above);
		*slash = '/';
		if (r == 0)
			r = file_write_str(AT_FDCWD, path, above);
		free(text);
		text = TAKE_PTR(above);
	}
	if (r == 0)
		*ret = text ? TAKE_PTR(text) : xstrdup("");
	return r;
}

/* v1: a cpuset without CPUs or memory nodes takes no process; a new one has none. It gets its parent's. */
static int fill_cpuset(const struct cgroup_hierarchy *h, const char *path, struct error *err)
{
	static const char *const files[] = {"cpuset.cpus", "cpuset.mems"};
	_cleanup_free_ char *dir = xstrdup(h->dir);
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *text = NULL;

		r = fill_file(dir, strlen(dir) - strlen(path), files[i], h->made > 0, &text);
		if (r < 0)
			return error_errnum(err, r, "unable to apply cgroup configuration: cannot fill %s of %s", files[i], dir);
	}
	return r;
}

/* Devices ----------------------------------------------------------------------------------- */

/* Rule by rule, for their order counts; each file is opened once. */
static int apply_devices_v1(const struct cgroup_hierarchy *h, const struct plan_create *p, struct error *err)
{
	static const char *const files[] = {"devices.deny", "devices.allow"};
	int fds[] = {-1, -1}, r = 0;

	for (size_t i = 0; r == 0 && i < p->n_rules; i++) {
		bool allow = p->rules[i].allow;
		char text[DEVICE_RULE_TEXT_MAX];

		device_rule_to_text(&p->rules[i], text);
		if (fds[allow] < 0)
			fds[allow] = openat(h->dirfd, files[allow], O_WRONLY | O_CLOEXEC | O_NOCTTY);
		if (fds[allow] < 0 || write(fds[allow], text, strlen(text)) < 0)
			r = error_errno(err, "linux.resources.devices: cannot write \"%s\" to %s", text,
					files[allow]);
	}
	fd_close(fds[0]);
	fd_close(fds[1]);
	return r;
}

/* v1 when its controller is mounted, else the v2 filter; a machine with neither cannot keep devices apart. */
static int apply_devices(const struct cgroup *cg, const struct plan_create *p, struct error *err)
{
	const struct cgroup_hierarchy *v1 = cgroup_find(cg, CGROUP_V1, "devices"), *v2 = cgroup_v2(cg);
	_cleanup_free_ struct bpf_insn *insns = NULL;
	size_t n;

	if (device_rules_allow_all(p->rules, p->n_rules) && (!v1 || v1->made > 0))
		return 0; /* what a new group starts with */
	if (v1)
		return apply_devices_v1(v1, p, err);
	if (!v2)
		return error_set(err, EOPNOTSUPP,
				 "linux.resources.devices: this machine has neither the cgroup v1 controller "
				 "\"devices\" nor cgroup v2");
	device_program(p->rules, p->n_rules, &insns, &n);
	return device_program_attach(v2->dirfd, insns, n, err);
}

/* All of it --------------------------------------------------------------------------------- */

static int start_unit(struct cgroup *cg, const struct cgroup_request *req, struct plan_create *p,
		      struct error *err)
{
	const struct unit_request unit = {
		.unit = &p->unit,
		.id = req->id,
		.rootless = req->rootless,
		.limits = &p->writes,
		.rules = p->rules,
		.n_rules = p->n_rules,
		.properties = req->properties,
		.n_properties = req->n_properties,
	};

	return systemd_unit_start(cg, &unit, &p->path, err);
}

/* From the scope to the group in it that is the container's; everything but systemd sees only that. */
static void enter_subgroup(struct plan_create *p, const char *name)
{
	char *below = path_join(p->path, name);

	free(p->path);
	p->path = below;
	p->below_unit = true;
}

/* v2 passes no controllers on from a group with processes (cgroup-v2.rst, "No Internal Process Constraint"), as a new scope is. */
static int move_holder(const struct cgroup *cg, struct error *err)
{
	return cg->unit.holder > 0 ? cgroup_join_v2(cg, cg->unit.holder, err) : 0;
}

static int make(struct cgroup *cg, const struct cgroup_request *req, const struct cgroup_layout *l, const struct plan_create *p,
		struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < l->n_mounts && r >= 0; i++)
		r = make_hierarchy(cg, &l->mounts[i], p, err);
	if (r >= 0 && !cg->unit.holder) /* a new scope has a process, ours */
		r = check_unused(cg, err);
	if (r >= 0 && req->delegate)
		r = make_leaf(cg, req->delegate, err);
	if (r >= 0 && (p->below_unit || cg->leaf.dir))
		r = move_holder(cg, err);
	for (size_t i = 0; i < cg->n && r >= 0; i++) {
		const struct cgroup_hierarchy *h = &cg->h[i];

		if (h->controllers[0] == '\0')
			r = enable_controllers(cg, p, err);
		else if (cgroup_list_has(h->controllers, "cpuset"))
			r = fill_cpuset(h, p->path, err);
	}
	if (r >= 0)
		r = cgroup_apply(cg, &p->writes, err);
	return r;
}

static bool is_permission(int r)
{
	return r == -EACCES || r == -EPERM || r == -EROFS;
}

/* Without root, and with nothing asked for, no group is as good as one. */
static bool may_do_without(const struct cgroup_request *req, const struct plan_create *p, int r)
{
	return req->rootless && is_permission(r) && str_is_empty(req->path) && p->writes.n == 0 && !req->delegate;
}

static void undo_unit(struct cgroup *cg)
{
	struct error err;

	systemd_unit_release(cg);
	if (systemd_unit_stop(cg, &err) < 0)
		log_warning("cgroup: %s", err.msg);
}

/* A group that was there before may be frozen: what joins it would stop for ever (config-linux.md, "Control groups"). */
static int check_thawed(const struct cgroup *cg, struct error *err)
{
	bool frozen;
	int r = cgroup_frozen(cg, &frozen, err);

	if (r < 0 || !frozen)
		return r;
	return error_set(err, EBUSY, "the cgroup %s is frozen: thaw it, or choose another linux.cgroupsPath",
			 cg->h[0].dir);
}

static int create(const struct cgroup_request *req, const struct cgroup_layout *l, struct cgroup *cg,
		  struct error *err)
{
	_cleanup_(plan_done) struct plan_create p = {0};
	int r = plan(req, l, &p, err);

	if (r >= 0 && p.unit.name)
		r = start_unit(cg, req, &p, err);
	if (r >= 0 && p.unit.name && req->subgroup)
		enter_subgroup(&p, req->subgroup);
	if (r < 0) {
		undo_unit(cg);
		return r;
	}
	r = make(cg, req, l, &p, err);
	if (r >= 0)
		r = check_thawed(cg, err);
	if (r >= 0) {
		r = apply_devices(cg, &p, err);
		/* in a user namespace devices are the outer group's business: nobody in here can make a node
		 */
		if (r < 0 && req->rootless && is_permission(r))
			r = 0;
	}
	if (r >= 0)
		return 0;
	undo_unit(cg);
	cgroup_remove_made(cg, NULL);
	if (!may_do_without(req, &p, r))
		return is_permission(r) && req->rootless
			       ? error_wrap(err, "rootless needs no limits + no cgrouppath when no "
						 "permission is granted for cgroups")
			       : r;
	log_debug("cgroup: going without: %s", err ? err->msg : "");
	free(cg->unit.name);
	cg->unit = (struct cgroup_unit){0};
	while (cg->n > 0) {
		struct cgroup_hierarchy *h = &cg->h[--cg->n];

		free(h->controllers);
		free(h->mount_point);
		free(h->dir);
		fd_close(h->dirfd);
		fd_close(h->tasks_fd);
	}
	return 0;
}

/* With a v1 hierarchy whoever may make groups in it may do more to the machine (cgroup-v1/cgroups.rst has no delegation). */
static int check_delegate(const struct cgroup_request *req, enum cgroup_mode mode, struct error *err)
{
	bool disabled = req->manager == CGROUP_MANAGER_DISABLED;

	if (!req->delegate || (mode == CGROUP_MODE_V2 && !disabled))
		return 0;
	return error_set(err, EOPNOTSUPP, "annotation run.oci.delegate-cgroup: \"%s\" can be made where there is cgroup v2 alone, not with %s",
			 req->delegate, disabled ? "cgroup manager \"disabled\"" : "cgroup v1");
}

int cgroup_create(const struct cgroup_request *req, struct cgroup **ret, struct error *err)
{
	_cleanup_cgroup_layout_ struct cgroup_layout l = {0};
	_cleanup_cgroup_ struct cgroup *cg = xcalloc(1, sizeof(*cg));
	int r;

	r = cgroup_layout_load(&l, err);
	if (r < 0)
		return r;
	cg->mode = l.mode;
	r = check_delegate(req, l.mode, err);
	if (r < 0)
		return r;
	if (req->manager != CGROUP_MANAGER_DISABLED) {
		if (l.mode == CGROUP_MODE_NONE)
			return error_set(err, EOPNOTSUPP,
					 "no cgroup hierarchy is mounted here (below /sys/fs/cgroup); mount "
					 "one or use --cgroup-manager disabled");
		r = create(req, &l, cg, err);
		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(cg);
	return 0;
}

static void add_left(struct cgroup *cg, const struct cgroup_mount *m, const struct plan_create *p)
{
	_cleanup_free_ char *dir = xasprintf("%s%s", str_eq(m->mount_point, "/") ? "" : m->mount_point, p->path);
	int fd = file_open_dir(AT_FDCWD, dir);
	struct cgroup_hierarchy *h;

	if (fd < 0)
		return;
	h = cgroup_add_hierarchy(cg, xstrdup(m->controllers), xstrdup(m->mount_point), TAKE_PTR(dir), fd);
	h->made = p->own ? count_components(p->path) : 1;
}

/* Where what may be left is, by the manager: in p->path, or NULL. */
static int find_left(const struct cgroup_request *req, struct cgroup *cg, struct plan_create *p, struct error *err)
{
	const struct unit_request unit = { .unit = &p->unit, .id = req->id, .rootless = req->rootless };
	int r;

	if (req->manager == CGROUP_MANAGER_CGROUPFS)
		return plan_path(req, p, err);
	if (req->manager != CGROUP_MANAGER_SYSTEMD)
		return 0;
	r = systemd_unit_parse(req->path, req->id, req->rootless, &p->unit, err);
	return r < 0 ? r : systemd_unit_find(cg, &unit, &p->path, err);
}

int cgroup_open_left(const struct cgroup_request *req, struct cgroup **ret, struct error *err)
{
	_cleanup_cgroup_layout_ struct cgroup_layout l = {0};
	_cleanup_cgroup_ struct cgroup *cg = xcalloc(1, sizeof(*cg));
	_cleanup_(plan_done) struct plan_create p = {0};
	int r = cgroup_layout_load(&l, err);

	if (r < 0)
		return r;
	cg->mode = l.mode;
	r = find_left(req, cg, &p, err);
	if (r < 0)
		return r;
	for (size_t i = 0; !str_is_empty(p.path) && i < l.n_mounts; i++)
		add_left(cg, &l.mounts[i], &p);
	*ret = TAKE_PTR(cg);
	return 0;
}
