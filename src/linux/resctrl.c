/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * linux.intelRdt (runtime-spec 1.3.0 config-linux.md "IntelRdt"): first a plan, pure, then mkdir(2) and
 * single writes. Whose a class is decides everything: one that closID names belongs to the host and is never
 * removed; "/" is the class of all; without closID it is the container's own. A class that exists must
 * already be what is asked for, because others run in it.
 */
#include "linux/resctrl.h"

#include <errno.h>
#include <fcntl.h>
#include <ocispec/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"

enum { MOUNTINFO_MAX = 16 << 20, SCHEMATA_MAX = 1 << 20 };

/* The files of resctrl itself, which no class can be called. */
static const char *const reserved[] = { ".", "..", "info", "mon_groups", "mon_data" };

static int check_clos(const char *name, struct error *err)
{
	if (strchr(name, '/') || strchr(name, '\n') || str_index(reserved, ARRAY_SIZE(reserved), name) >= 0)
		return error_set(err, EINVAL, "linux.intelRdt.closID: \"%s\" is not a name for a class",
				 name);
	return 0;
}

static int check_line(const char *field, const char *line, struct error *err)
{
	if (line && strchr(line, '\n'))
		return error_set(err, EINVAL, "linux.intelRdt.%s: must be one line", field);
	return 0;
}

static int check_two(const char *l3_cache, const char *mem_bw, struct error *err)
{
	int r = check_line("l3CacheSchema", l3_cache, err);

	if (r == 0)
		r = check_line("memBwSchema", mem_bw, err);
	if (r == 0 && !str_is_empty(mem_bw) && !str_skip_prefix(mem_bw, "MB:"))
		return error_set(err, EINVAL,
				 "linux.intelRdt.memBwSchema: \"%s\" does not start with \"MB:\"", mem_bw);
	return r;
}

static int check_lines(const struct oci_intel_rdt *rdt, struct error *err)
{
	int r = check_two(rdt->l3_cache_schema, rdt->mem_bw_schema, err);

	for (size_t i = 0; r == 0 && i < rdt->n_schemata; i++)
		r = check_line("schemata", rdt->schemata[i], err);
	return r;
}

static bool is_default_class(const struct oci_intel_rdt *rdt)
{
	return str_eq(rdt->clos_id, "/");
}

static char *class_of(const struct oci_intel_rdt *rdt, const char *id)
{
	if (str_is_empty(rdt->clos_id))
		return xstrdup(id);
	return xstrdup(is_default_class(rdt) ? "" : rdt->clos_id);
}

/* The order is the specification's: caches, bandwidth, then whatever else. */
static void plan_lines(const struct oci_intel_rdt *rdt, bool compare, struct resctrl_plan *p)
{
	const char *const two[] = { rdt->l3_cache_schema, rdt->mem_bw_schema };

	for (size_t i = 0, n = 0; i < ARRAY_SIZE(two); i++) {
		if (str_is_empty(two[i]))
			continue;
		if (compare)
			p->compare[n++] = xstrdup(two[i]);
		else
			strv_append(&p->write, two[i]);
	}
	for (size_t i = 0; i < rdt->n_schemata; i++)
		strv_append(&p->write, rdt->schemata[i]);
}

int resctrl_plan(const struct oci_intel_rdt *rdt, const char *id, bool exists, struct resctrl_plan *ret,
		 struct error *err)
{
	bool own = str_is_empty(rdt->clos_id);
	bool any = !str_is_empty(rdt->l3_cache_schema) || !str_is_empty(rdt->mem_bw_schema) ||
		   rdt->n_schemata > 0;
	int r = own || is_default_class(rdt) ? 0 : check_clos(rdt->clos_id, err);

	if (r == 0)
		r = check_lines(rdt, err);
	if (r < 0)
		return r;
	if (own && exists)
		return error_set(err, EEXIST, "linux.intelRdt: the class \"%s\" exists already", id);
	if (!own && !exists && !any)
		return error_set(
			err, ENOENT,
			"linux.intelRdt.closID: there is no class \"%s\", and no schema to make it with",
			rdt->clos_id);
	*ret = (struct resctrl_plan){
		.clos = class_of(rdt, id),
		.make = !exists,
		.own = own,
		.monitor = rdt->enable_monitoring ? xstrdup(id) : NULL,
	};
	plan_lines(rdt, exists, ret);
	return 0;
}

void resctrl_plan_done(struct resctrl_plan *p)
{
	free(p->clos);
	free(p->compare[0]);
	free(p->compare[1]);
	free(p->monitor);
	strv_free(p->write);
}

/* "0=f" of "0=f;1=ff": the parts of one domain. */
struct domain {
	const char *id, *value;
	size_t id_len, value_len;
};

/* The domain at *text, which goes on to the next. False at the end, or where there is none. */
static bool next_domain(const char **text, struct domain *ret)
{
	size_t len = strcspn(*text, ";\n");
	const char *eq = memchr(*text, '=', len);

	if (!eq)
		return false;
	ret->id = *text + strspn(*text, " ");
	ret->id_len = (size_t)(eq - ret->id);
	ret->value = eq + 1 + strspn(eq + 1, " 0");
	ret->value_len = (size_t)(*text + len - ret->value);
	*text += len + ((*text)[len] == ';');
	return true;
}

static bool same_domain(const struct domain *a, const struct domain *b, bool *ret_same_value)
{
	if (a->id_len != b->id_len || memcmp(a->id, b->id, a->id_len) != 0)
		return false;
	*ret_same_value = a->value_len == b->value_len && strncasecmp(a->value, b->value, a->value_len) == 0;
	return true;
}

/* Whether the domains of one line of the file hold those wanted. */
static bool domains_hold(const char *have, const char *want)
{
	struct domain w, h;

	while (next_domain(&want, &w)) {
		const char *rest = have;
		bool found = false, same = false;

		while (!found && next_domain(&rest, &h))
			found = same_domain(&h, &w, &same);
		if (!found || !same)
			return false;
	}
	return true;
}

bool resctrl_line_holds(const char *schemata, const char *line)
{
	const char *colon = strchr(line, ':');
	size_t len = colon ? (size_t)(colon - line) : 0;

	if (!colon || !strchr(colon, '='))
		return false;
	for (const char *l = schemata; *l; l += strcspn(l, "\n"), l += *l == '\n') {
		const char *name = l + strspn(l, " ");

		if (strncmp(name, line, len) == 0 && name[len] == ':')
			return domains_hold(name + len + 1, colon + 1);
	}
	return false;
}

/* mountinfo's "... mount point ... - resctrl ..."; NULL when there is none. */
static char *find_root(void)
{
	_cleanup_free_ char *text = NULL;
	char *save = NULL;

	if (file_read_at(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &text, NULL) < 0)
		return NULL;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char point[256];

		if (strstr(line, " - resctrl ") && sscanf(line, "%*s %*s %*s %*s %255s", point) == 1)
			return xstrdup(point);
	}
	return NULL;
}

static int open_root(const char *root, char **ret, struct error *err)
{
	*ret = root ? xstrdup(root) : find_root();
	if (!*ret)
		return error_set(err, ENOENT,
				 "linux.intelRdt: resctrl is not mounted (this machine may not have it)");
	return 0;
}

static int write_line(const char *dir, const char *file, const char *line, struct error *err)
{
	_cleanup_free_ char *path = path_join(dir, file), *text = xasprintf("%s\n", line);
	int r = file_write_str(AT_FDCWD, path, text);

	return r < 0 ? error_errnum(err, r, "linux.intelRdt: write \"%s\" to %s", line, path) : 0;
}

static int write_pid(const char *dir, pid_t pid, struct error *err)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", (int)pid);
	return write_line(dir, "tasks", number, err);
}

static int make_dir(const char *dir, char ***made, struct error *err)
{
	if (mkdirat(AT_FDCWD, dir, 0755) < 0)
		return error_errno(err, "linux.intelRdt: make %s", dir);
	strv_append(made, dir);
	return 0;
}

static int compare(const char *dir, const struct resctrl_plan *p, struct error *err)
{
	_cleanup_free_ char *path = path_join(dir, "schemata"), *text = NULL;
	int r = p->compare[0] ? file_read_at(AT_FDCWD, path, SCHEMATA_MAX, &text, NULL) : 0;

	if (r < 0)
		return error_errnum(err, r, "linux.intelRdt: read %s", path);
	for (size_t i = 0; i < ARRAY_SIZE(p->compare) && p->compare[i]; i++)
		if (!resctrl_line_holds(text, p->compare[i]))
			return error_set(err, EINVAL,
					 "linux.intelRdt: the class \"%s\" exists, but not with \"%s\"",
					 p->clos, p->compare[i]);
	return 0;
}

static int apply(const char *dir, const struct resctrl_plan *p, char ***made, struct error *err)
{
	int r = p->make ? make_dir(dir, made, err) : compare(dir, p, err);

	for (size_t i = 0; r == 0 && p->write && p->write[i]; i++)
		r = write_line(dir, "schemata", p->write[i], err);
	if (r == 0 && p->monitor) {
		_cleanup_free_ char *group = xasprintf("%s/mon_groups/%s", dir, p->monitor);

		r = make_dir(group, made, err);
	}
	return r;
}

int resctrl_create(const char *root, const char *id, const struct oci_intel_rdt *rdt, char ***ret_made,
		   size_t *ret_n_shared, struct error *err)
{
	_cleanup_free_ char *top = NULL, *clos = class_of(rdt, id), *dir = NULL;
	_cleanup_strv_ char **made = NULL;
	struct resctrl_plan p;
	struct stat st;
	int r = check_lines(rdt, err);

	if (r == 0)
		r = open_root(root, &top, err);
	if (r < 0)
		return r;
	dir = clos[0] ? path_join(top, clos) : xstrdup(top);
	r = resctrl_plan(rdt, id, stat(dir, &st) == 0, &p, err);
	if (r < 0)
		return r;
	r = apply(dir, &p, &made, err);
	if (r < 0) {
		struct error ignored;

		resctrl_remove(made, strv_length(made), &ignored);
	} else {
		*ret_made = TAKE_PTR(made);
		*ret_n_shared = p.make && !p.own;
	}
	resctrl_plan_done(&p);
	return r;
}

int resctrl_join(const char *root, const char *id, const struct oci_intel_rdt *rdt, pid_t pid,
		 struct error *err)
{
	_cleanup_free_ char *top = NULL, *clos = class_of(rdt, id), *dir = NULL, *group = NULL;
	int r = open_root(root, &top, err);

	if (r < 0)
		return r;
	dir = clos[0] ? path_join(top, clos) : xstrdup(top);
	r = write_pid(dir, pid, err);
	if (r < 0 || !rdt->enable_monitoring)
		return r;
	group = xasprintf("%s/mon_groups/%s", dir, id);
	return write_pid(group, pid, err);
}

int resctrl_update(const char *root, const char *id, const struct oci_intel_rdt *rdt, const char *l3_cache,
		   const char *mem_bw, struct error *err)
{
	_cleanup_free_ char *top = NULL, *clos = class_of(rdt, id), *dir = NULL;
	int r = check_two(l3_cache, mem_bw, err);

	if (r == 0)
		r = open_root(root, &top, err);
	if (r < 0)
		return r;
	dir = clos[0] ? path_join(top, clos) : xstrdup(top);
	if (!str_is_empty(l3_cache))
		r = write_line(dir, "schemata", l3_cache, err);
	if (r == 0 && !str_is_empty(mem_bw))
		r = write_line(dir, "schemata", mem_bw, err);
	return r;
}

int resctrl_remove(char *const *made, size_t n, struct error *err)
{
	int r = 0;

	while (n-- > 0)
		if (unlinkat(AT_FDCWD, made[n], AT_REMOVEDIR) < 0 && errno != ENOENT && r == 0)
			r = error_errno(err, "linux.intelRdt: remove %s", made[n]);
	return r;
}
