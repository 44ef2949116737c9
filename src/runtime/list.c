/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * list and state. The columns are runc's, with the runtime type and what it means behind them, so that scripts which count
 * columns find what they look for. The same record makes the line, the array's element and what `state`
 * prints.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <ocispec/doc.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "container/document.h"
#include "container/isolation.h"
#include "container/runtime_type.h"
#include "runtime/lifecycle.h"
#include "runtime/machines.h"
#include "runtime/runtime.h"
#include "schema/json.h"
#include "schema/types.h"

/* What is shown of one container. */
struct record {
	const struct hv_state *s;
	enum container_status status;
	pid_t pid; /* 0 when stopped */
	char *owner;
	/* with --all-roots, else NULL: */
	const char *root;
	char *worker; /* the file that the worker runs */
	bool replaced; /* there is another one under that name now, or none */
};

/* What stands between the container and the host. What is emulated is no security boundary, and says so wherever the type is shown. */
static const char *isolation_text(const struct hv_state *s)
{
	if (!str_eq(s->runtime_type, runtime_type_names[RUNTIME_TYPE_HYPERV]))
		return "namespaces";
	return str_eq(s->accel, "tcg") ? "vm (emulated: not a security boundary)" : "vm";
}

static int get_record(struct runtime *rt, struct container *c, const struct isolation_ops *ops,
		      struct record *ret, struct error *err)
{
	int r = runtime_status(rt, c, ops, &ret->status, err);

	if (r < 0)
		return r;
	*ret = (struct record){ .s = c->state, .status = ret->status };
	ret->pid = ret->status == CONTAINER_STOPPED ? 0 : (pid_t)c->state->pid;
	return 0;
}

/* The member "name": "value" with what separates it from the one before. */
static void add_string(struct buf *out, const char *separator, const char *name, const char *value)
{
	buf_append_str(out, separator);
	buf_append(out, "\"", 1);
	buf_append_str(out, name);
	buf_append_str(out, separator[1] ? "\": " : "\":");
	buf_append_json(out, value);
}

static void add_annotations(struct buf *out, const char *separator, const struct oci_string_map *map,
			    bool pretty)
{
	if (!map || map->n == 0)
		return;
	buf_printf(out, "%s\"annotations\":%s{", separator, pretty ? " " : "");
	for (size_t i = 0; i < map->n; i++) {
		buf_append_str(out, i > 0 ? "," : "");
		buf_append_str(out, pretty ? "\n    " : "");
		buf_append_json(out, map->entries[i].key);
		buf_append_str(out, pretty ? ": " : ":");
		buf_append_json(out, map->entries[i].value);
	}
	buf_append_str(out, pretty ? "\n  }" : "}");
}

/* How the container's machine came up, on one line as events --stats has it. */
static void add_startup(struct buf *out, const char *separator, const struct hv_worker_startup *s, bool pretty)
{
	_cleanup_free_ char *json = NULL;
	struct error err;

	if (s && json_write(&hv_worker_startup_type, s, &json, NULL, &err) == 0)
		buf_printf(out, "%s\"startup\":%s%s", separator, pretty ? " " : "", json);
}

/* In runc's order; pretty: over several lines, indented by two spaces. */
static void write_record(struct buf *out, const struct record *r, bool pretty)
{
	const char *separator = pretty ? ",\n  " : ",", *colon = pretty ? ": " : ":";

	buf_append_str(out, pretty ? "{\n  " : "{");
	buf_printf(out, "\"ociVersion\"%s\"%s\"", colon, OCI_SPEC_VERSION);
	add_string(out, separator, "id", r->s->id);
	buf_printf(out, "%s\"pid\"%s%d", separator, colon, (int)r->pid);
	add_string(out, separator, "status", container_status_to_string(r->status));
	add_string(out, separator, "bundle", r->s->bundle);
	add_string(out, separator, "rootfs", r->s->rootfs);
	add_string(out, separator, "created", r->s->created);
	add_annotations(out, separator, r->s->annotations, pretty);
	add_string(out, separator, "owner", r->owner ? r->owner : "");
	add_string(out, separator, "runtimeType", r->s->runtime_type);
	if (r->s->accel)
		add_string(out, separator, "accel", r->s->accel);
	if (r->s->guest_kernel)
		add_string(out, separator, "guestKernel", r->s->guest_kernel);
	if (r->s->share_type)
		add_string(out, separator, "shareType", r->s->share_type);
	if (r->s->sandbox)
		add_string(out, separator, "sandbox", r->s->sandbox);
	add_startup(out, separator, r->s->startup, pretty);
	add_string(out, separator, "isolation", isolation_text(r->s));
	if (r->root) {
		add_string(out, separator, "root", r->root);
		add_string(out, separator, "worker", r->worker);
		buf_printf(out, "%s\"workerReplaced\"%s%s", separator, colon, r->replaced ? "true" : "false");
	}
	buf_append_str(out, pretty ? "\n}" : "}");
}

int runtime_state(struct runtime *rt, const char *id, struct buf *out, struct error *err)
{
	_cleanup_container_ struct container *c = NULL;
	const struct isolation_ops *ops;
	struct record rec;
	int r = runtime_open(rt, id, false, &c, &ops, err);

	if (r == 0)
		r = get_record(rt, c, ops, &rec, err);
	if (r == 0)
		write_record(out, &rec, true);
	return r;
}

/*
 * The name of uid by /etc/passwd itself (name services would have to be loaded), "#UID" for one that is not
 * there.
 */
char *owner_name(const char *passwd, uid_t uid)
{
	for (const char *line = passwd; line && *line;
	     line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		size_t name = strcspn(line, ":\n"), password;
		uint64_t id;

		if (line[name] != ':')
			continue;
		password = strcspn(line + name + 1, ":\n");
		if (line[name + 1 + password] == ':' && num_scan_u64(line + name + password + 2, &id) &&
		    id == uid)
			return xstrndup(line, name);
	}
	return xasprintf("#%u", (unsigned)uid);
}

/* The columns of the table, the last two only with --all-roots; the last one without padding. */
static const char *const titles[] = { "ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER", "RUNTIME TYPE", "ISOLATION", "ROOT", "WORKER" };
enum { N_COLUMNS = ARRAY_SIZE(titles), COLUMNS_OF_ONE_ROOT = N_COLUMNS - 2, MIN_WIDTH = 12, PADDING = 3 };

struct table {
	char *(*rows)[N_COLUMNS];
	size_t n, n_columns;
};

static void add_row(struct table *t, const struct record *r)
{
	char **row;

	t->rows = xreallocarray(t->rows, t->n + 1, sizeof(*t->rows));
	row = t->rows[t->n++];
	row[0] = xstrdup(r->s->id);
	row[1] = xasprintf("%d", (int)r->pid);
	row[2] = xstrdup(container_status_to_string(r->status));
	row[3] = xstrdup(r->s->bundle);
	row[4] = xstrdup(r->s->created);
	row[5] = xstrdup(r->owner);
	row[6] = xstrdup(r->s->runtime_type);
	row[7] = xstrdup(isolation_text(r->s));
	row[8] = xstrdup(r->root ? r->root : "");
	row[9] = xasprintf("%s%s", r->worker ? r->worker : "", r->replaced ? " (replaced)" : "");
}

static size_t column_width(const struct table *t, size_t column)
{
	size_t width = strlen(titles[column]);

	for (size_t i = 0; i < t->n; i++)
		width = MAX(width, strlen(t->rows[i][column]));
	return MAX(width + PADDING, (size_t)MIN_WIDTH);
}

static void write_table(struct buf *out, struct table *t)
{
	int widths[N_COLUMNS] = { 0 };

	for (size_t c = 0; c < t->n_columns; c++)
		widths[c] = c == t->n_columns - 1 ? 0 : (int)column_width(t, c);
	for (size_t c = 0; c < t->n_columns; c++)
		buf_printf(out, "%-*s", widths[c], titles[c]);
	buf_append_str(out, "\n");
	for (size_t i = 0; i < t->n; i++) {
		for (size_t c = 0; c < t->n_columns; c++)
			buf_printf(out, "%-*s", widths[c], t->rows[i][c]);
		for (size_t c = 0; c < N_COLUMNS; c++)
			free(t->rows[i][c]);
		buf_append_str(out, "\n");
	}
	free(t->rows);
}

struct listing {
	const struct list_options *o;
	struct buf *out;
	struct table table;
	char *passwd;
	size_t n;
};

static void show(struct listing *l, const struct record *r)
{
	if (l->o->quiet) {
		buf_printf(l->out, "%s/%s\n", r->root, r->s->id);
	} else if (l->o->format == LIST_FORMAT_JSON) {
		buf_append_str(l->out, l->n > 0 ? "," : "[");
		write_record(l->out, r, false);
	} else {
		add_row(&l->table, r);
	}
	l->n++;
}

/* What the worker runs, by proc_pid_exe(5). */
static void add_worker(const struct container *c, struct record *rec)
{
	static const char deleted[] = " (deleted)";
	char link[48], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%d/exe", (int)c->state->pid);
	n = readlink(link, path, sizeof(path) - 1);
	path[MAX(n, 0)] = '\0';
	rec->replaced = str_has_suffix(path, deleted);
	rec->worker = xstrndup(path, strlen(path) - (rec->replaced ? sizeof(deleted) - 1 : 0));
}

/* Of another root only what has a worker is of interest: a machine, or a member of a pod. */
static bool is_wanted(const struct listing *l, const struct container *c)
{
	return !l->o->all_roots ||
	       (str_eq(c->state->runtime_type, runtime_type_names[RUNTIME_TYPE_HYPERV]) && container_process_alive(c));
}

/* One that vanishes meanwhile is none; one that cannot be read is worth a warning, not the whole list. */
static void list_one(struct runtime *rt, const char *id, struct listing *l)
{
	_cleanup_container_ struct container *c = NULL;
	const struct isolation_ops *ops;
	struct record rec;
	struct stat st;
	struct error err;
	int r = runtime_find(rt, id, false, &c, &ops, &err);

	if (r == CONTAINER_E_NOT_FOUND || (r == 0 && !is_wanted(l, c)))
		return;
	if (r == 0)
		r = get_record(rt, c, ops, &rec, &err);
	if (r < 0) {
		log_warning("%s", err.msg);
		return;
	}
	rec.owner = owner_name(l->passwd, fstat(c->dirfd, &st) == 0 ? st.st_uid : 0);
	if (l->o->all_roots) {
		rec.root = rt->env.root;
		add_worker(c, &rec);
	}
	show(l, &rec);
	free(rec.worker);
	free(rec.owner);
}

/* The id alone needs no look into the state: one whose state cannot be read is there, too, and can be deleted. */
static void list_id(struct runtime *rt, const char *id, struct buf *out)
{
	char path[NAME_MAX + sizeof("/state.json")];

	snprintf(path, sizeof(path), "%s/state.json", id);
	if (faccessat(rt->env.root_dirfd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		buf_printf(out, "%s\n", id);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The ids of all containers, sorted. */
int runtime_read_ids(struct runtime *rt, char ***ret, struct error *err)
{
	int fd = openat(rt->env.root_dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	size_t n = 0, size = 0;

	if (!d) {
		int r = error_errno(err, "read %s", rt->env.root);

		fd_close(fd);
		return r;
	}
	for (struct dirent *e; (e = readdir(d));) {
		if (container_id_validate(e->d_name, NULL) < 0)
			continue;
		if (n + 1 >= size) {
			size = size ? 2 * size : 64;
			*ret = xreallocarray(*ret, size, sizeof(**ret));
		}
		(*ret)[n++] = xstrdup(e->d_name);
		(*ret)[n] = NULL;
	}
	closedir(d);
	if (n > 0)
		qsort(*ret, n, sizeof(**ret), compare);
	return 0;
}

/* Each id below rt's root. */
static int list_root(struct runtime *rt, struct listing *l, struct error *err)
{
	_cleanup_strv_ char **ids = NULL;
	int r = rt->env.root_dirfd < 0 ? 0 : runtime_read_ids(rt, &ids, err);

	for (char **id = ids; r == 0 && id && *id; id++) {
		if (l->o->quiet && !l->o->all_roots)
			list_id(rt, *id, l->out);
		else
			list_one(rt, *id, l);
	}
	return r;
}

static int list_all_roots(struct runtime *rt, struct listing *l, struct error *err)
{
	_cleanup_machine_roots_ struct machine_roots roots = { 0 };
	int r = runtime_open_root(rt, false, err);

	if (r < 0)
		return r;
	if (rt->env.rootless)
		return error_set(err, EPERM, "--all-roots: only root may look for the workers of others");
	r = machines_find_roots(&roots, err);
	for (size_t i = 0; r == 0 && i < roots.n; i++) {
		struct runtime there = { .env = rt->env };
		struct error e;

		there.env.root = roots.v[i].path;
		there.env.root_dirfd = roots.v[i].dirfd;
		if (list_root(&there, l, &e) < 0)
			log_warning("%s", e.msg);
	}
	if (r == 0 && roots.n_doubtful > 0)
		log_warning("processes called hvrun-vmwp whose state directory is not root's alone, or not in our mount namespace: %zu, left out",
			    roots.n_doubtful);
	return r;
}

static int list_own_root(struct runtime *rt, struct listing *l, struct error *err)
{
	int r = runtime_open_root(rt, false, err);

	if (r < 0)
		return r;
	if (rt->env.root_dirfd < 0 && rt->root)
		return error_set(err, ENOENT, "--root: %s: no such directory", rt->env.root);
	return list_root(rt, l, err);
}

int runtime_list(struct runtime *rt, const struct list_options *o, struct buf *out, struct error *err)
{
	struct listing l = { .o = o, .out = out, .table.n_columns = o->all_roots ? N_COLUMNS : COLUMNS_OF_ONE_ROOT };
	int r;

	if (!o->quiet && file_read_at(AT_FDCWD, "/etc/passwd", 1 << 20, &l.passwd, NULL) < 0)
		l.passwd = NULL;
	r = o->all_roots ? list_all_roots(rt, &l, err) : list_own_root(rt, &l, err);
	free(l.passwd);
	if (r < 0 || o->quiet)
		return r;
	if (o->format == LIST_FORMAT_JSON)
		buf_append_str(out, l.n > 0 ? "]\n" : "null\n");
	else
		write_table(out, &l.table);
	return 0;
}
