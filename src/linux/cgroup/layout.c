/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which cgroup hierarchies are mounted here, and where: pure v2, v1 controllers alone or co-mounted
 * ("cpu,cpuacct"), the named systemd hierarchy, or v1 beside v2 ("hybrid"). Decided from the texts of
 * /proc/self/mountinfo and /proc/self/cgroup alone, so that every layout is a test case: cgroups(7),
 * proc_pid_mountinfo(5), Documentation/admin-guide/cgroup-v2.rst.
 */
#include "linux/cgroup/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"

/* A mount table of tens of thousands of entries; more is refused rather than half read. */
enum { PROC_TEXT_MAX = 64 << 20 };

#define CGROUP_ROOT "/sys/fs/cgroup"
enum { CGROUP_ROOT_INODE = 1 };

/* The fields of a mountinfo line that matter here; they point into the line's vector. */
struct mount_line {
	const char *root;
	char *mount_point;
	const char *super_options;
	bool v2;
};

bool cgroup_list_has(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = list; p; p = strchr(p, ',')) {
		p += *p == ',';
		if (strncmp(p, name, n) == 0 && (p[n] == ',' || p[n] == '\0'))
			return true;
	}
	return false;
}

enum cgroup_mode cgroup_mode_of(bool has_v1, bool has_v2)
{
	if (has_v1)
		return has_v2 ? CGROUP_MODE_HYBRID : CGROUP_MODE_V1;
	return has_v2 ? CGROUP_MODE_V2 : CGROUP_MODE_NONE;
}

/* Turns "\040" and the like back into the bytes they stand for, in place. */
static void unescape(char *s)
{
	char *out = s;

	while (*s) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' && s[3] >= '0' &&
		    s[3] <= '7') {
			*out++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 4;
		} else {
			*out++ = *s++;
		}
	}
	*out = '\0';
}

/* "36 35 0:31 / /sys/fs/cgroup/cpu rw,relatime shared:1 - cgroup cgroup rw,cpu": the optional fields end at
 * "-". */
static bool parse_mount(char **fields, struct mount_line *ret)
{
	size_t n = strv_length(fields), dash = 6;

	if (n < 10)
		return false;
	while (dash < n && !str_eq(fields[dash], "-"))
		dash++;
	if (dash + 3 >= n)
		return false;
	ret->v2 = str_eq(fields[dash + 1], "cgroup2");
	if (!ret->v2 && !str_eq(fields[dash + 1], "cgroup"))
		return false;
	ret->root = fields[3];
	ret->mount_point = fields[4];
	ret->super_options = fields[dash + 3];
	unescape(ret->mount_point);
	return true;
}

/* A v1 hierarchy's super options name all of its controllers; one that is named is enough to tell it from the
 * others. */
static bool mount_is_of(const struct mount_line *m, const struct cgroup_mount *h)
{
	_cleanup_free_ char *first = NULL;

	if (h->controllers[0] == '\0')
		return m->v2;
	first = xstrndup(h->controllers, strcspn(h->controllers, ","));
	return !m->v2 && cgroup_list_has(m->super_options, first);
}

/* A mount whose root is "/docker/x" holds "/docker/x" and "/docker/x/y"; one from outside our cgroup
 * namespace shows as "/..". */
static bool mount_holds(const struct mount_line *m, const char *own)
{
	return str_eq(m->root, "/") || str_skip_prefix(m->root, "/..") || path_is_below(own, m->root);
}

static void take_mount(struct cgroup_layout *l, const struct mount_line *m)
{
	for (size_t i = 0; i < l->n_mounts; i++) {
		struct cgroup_mount *h = &l->mounts[i];

		/* what was mounted here before is covered */
		if (str_eq(h->mount_point, m->mount_point)) {
			free(h->mount_point);
			h->mount_point = NULL;
		}
	}
	for (size_t i = 0; i < l->n_mounts; i++) {
		struct cgroup_mount *h = &l->mounts[i];

		if (!mount_is_of(m, h) || !mount_holds(m, h->own))
			continue;
		if (h->mount_point && (path_is_below(h->mount_point, CGROUP_ROOT) ||
				       !path_is_below(m->mount_point, CGROUP_ROOT)))
			continue;
		free(h->mount_point);
		h->mount_point = xstrdup(m->mount_point);
	}
}

/* One hierarchy for each line "4:memory:/own/path" of /proc/self/cgroup; a path may hold colons. */
static void add_hierarchies(struct cgroup_layout *l, const char *self_cgroup)
{
	_cleanup_strv_ char **lines = str_split(self_cgroup, '\n');

	for (char **line = lines; *line; line++) {
		const char *controllers = strchr(*line, ':');
		const char *own = controllers ? strchr(controllers + 1, ':') : NULL;

		if (!own)
			continue;
		l->mounts = xreallocarray(l->mounts, l->n_mounts + 1, sizeof(*l->mounts));
		l->mounts[l->n_mounts++] = (struct cgroup_mount){
			.controllers = xstrndup(controllers + 1, (size_t)(own - controllers - 1)),
			.own = xstrdup(own + 1),
		};
	}
}

static void mount_done(struct cgroup_mount *m)
{
	free(m->controllers);
	free(m->mount_point);
	free(m->own);
}

/* Hierarchies that exist but are mounted nowhere are of no use. */
static void drop_unmounted(struct cgroup_layout *l)
{
	bool v1 = false, v2 = false;
	size_t n = 0;

	for (size_t i = 0; i < l->n_mounts; i++) {
		struct cgroup_mount *h = &l->mounts[i];

		if (!h->mount_point) {
			mount_done(h);
			continue;
		}
		v2 |= h->controllers[0] == '\0';
		v1 |= h->controllers[0] != '\0';
		l->mounts[n++] = *h;
	}
	l->n_mounts = n;
	l->mode = cgroup_mode_of(v1, v2);
}

void cgroup_layout_parse(const char *mountinfo, const char *self_cgroup, struct cgroup_layout *ret)
{
	struct cgroup_layout l = {0};

	add_hierarchies(&l, self_cgroup);
	for (const char *p = mountinfo, *end; *p; p = end) {
		_cleanup_free_ char *line = NULL;
		_cleanup_strv_ char **fields = NULL;
		struct mount_line m;

		end = p + strcspn(p, "\n");
		line = xstrndup(p, (size_t)(end - p));
		end += *end == '\n';
		if (!strstr(line, " - cgroup")) /* hosts have thousands of mounts: look closely at few */
			continue;
		fields = str_split(line, ' ');
		if (parse_mount(fields, &m))
			take_mount(&l, &m);
	}
	drop_unmounted(&l);
	*ret = l;
}

/*
 * Pure v2 with all of its hierarchy in the usual place: then the mount table, thousands of lines on some hosts, has nothing to say. The
 * first inode of the file system is the hierarchy's own root, not the directory of a group that was bound there.
 */
static bool is_plain_v2(const char *self_cgroup)
{
	const char *end = strchr(self_cgroup, '\n');
	struct statfs fs;
	struct stat st;

	return str_skip_prefix(self_cgroup, "0::") && (!end || !end[1]) && statfs(CGROUP_ROOT, &fs) == 0 &&
	       fs.f_type == CGROUP2_SUPER_MAGIC && stat(CGROUP_ROOT, &st) == 0 && st.st_ino == CGROUP_ROOT_INODE;
}

int cgroup_layout_load(struct cgroup_layout *ret, struct error *err)
{
	_cleanup_free_ char *mountinfo = NULL, *self_cgroup = NULL;
	int r;

	r = file_read_at(AT_FDCWD, "/proc/self/cgroup", PROC_TEXT_MAX, &self_cgroup, NULL);
	if (r < 0)
		return error_errnum(err, r, "cannot read /proc/self/cgroup");
	if (is_plain_v2(self_cgroup)) {
		cgroup_layout_parse("1 1 0:1 / " CGROUP_ROOT " rw - cgroup2 cgroup2 rw\n", self_cgroup, ret);
		return 0;
	}
	r = file_read_at(AT_FDCWD, "/proc/self/mountinfo", PROC_TEXT_MAX, &mountinfo, NULL);
	if (r < 0)
		return error_errnum(err, r, "cannot read /proc/self/mountinfo");
	cgroup_layout_parse(mountinfo, self_cgroup, ret);
	return 0;
}

void cgroup_layout_done(struct cgroup_layout *l)
{
	for (size_t i = 0; i < l->n_mounts; i++)
		mount_done(&l->mounts[i]);
	free(l->mounts);
	*l = (struct cgroup_layout){0};
}
