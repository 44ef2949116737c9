/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state directory of a container, <root>/<id>, and the handle on it. It is filled under another name and
 * renamed into place, so that an id either has a readable state.json or is not used. Whoever changes a
 * container holds an exclusive flock(2) on the directory itself; a waiter that gets the lock of a directory
 * which was removed meanwhile sees that in its link count.
 */
#include "container/container.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ocispec/doc.h>
#include <ocispec/types.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/calendar.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/str.h"
#include "container/annotation.h"
#include "container/bundle.h"
#include "container/document.h"
#include "container/env.h"
#include "schema/types.h"

enum { ID_MAX = 1024, STATE_MAX = 4 << 20, CONFIG_MAX = 16 << 20 };

const char *container_status_to_string(enum container_status status)
{
	static const char *const names[] = { "creating", "created", "running", "paused", "stopped" };

	return names[status];
}

int container_id_validate(const char *id, struct error *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.";
	size_t len = strlen(id);

	if (len == 0 || len > ID_MAX || id[0] == '.' || strspn(id, allowed) != len)
		return error_set(err, EINVAL, "invalid container ID format: \"%.100s\"", id);
	return 0;
}

struct container *container_free(struct container *c)
{
	if (!c)
		return NULL;
	oci_doc_free(c->config_doc);
	oci_doc_free(c->state_doc);
	container_unlock(c);
	fd_close(c->dirfd);
	free(c->id);
	free(c);
	return NULL;
}

static struct container *container_alloc(const char *id)
{
	struct container *c = xcalloc(1, sizeof(*c));

	c->id = xstrdup(id);
	c->dirfd = c->lock_fd = -1;
	return c;
}

/* RFC 3339 with nanoseconds, UTC. */
static void format_now(char buf[static 40])
{
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	calendar_utc(now.tv_sec, &tm); /* nor strftime(3), which reads the time zone, too */
	snprintf(buf, 40, "%04d-%02d-%02dT%02d:%02d:%02d.%09ldZ", (tm.tm_year + 1900) % 10000, tm.tm_mon % 12 + 1, tm.tm_mday % 32,
		 tm.tm_hour % 24, tm.tm_min % 60, tm.tm_sec % 61, now.tv_nsec);
}

static void note_hooks(struct oci_doc *doc, struct hv_state *s, const struct oci_hooks *hooks)
{
	const struct {
		const char *kind;
		size_t n;
	} kinds[] = { { "startContainer", hooks->n_start_container },
		      { "poststart", hooks->n_poststart },
		      { "poststop", hooks->n_poststop } };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].n > 0)
			*(char **)oci_doc_append(doc, &s->hooks, &s->n_hooks, sizeof(char *)) =
				oci_doc_strdup(doc, kinds[i].kind);
}

/* What is known before anything has been made. */
static void fill_state(struct container *c, const struct env *env, const struct bundle *b,
		       const char *runtime_type)
{
	struct oci_doc *doc = c->state_doc;
	struct hv_state *s = c->state;
	char now[40];

	format_now(now);
	s->version = 1;
	s->oci_version = oci_doc_strdup(doc, OCI_SPEC_VERSION);
	s->id = oci_doc_strdup(doc, c->id);
	s->runtime_type = oci_doc_strdup(doc, runtime_type);
	s->has_creating = s->creating = true;
	s->bundle = oci_doc_strdup(doc, b->path);
	s->rootfs = oci_doc_strdup(doc, b->rootfs);
	s->created = oci_doc_strdup(doc, now);
	s->has_process = true;
	s->process = b->config->process;
	if (b->config->hooks)
		note_hooks(doc, s, b->config->hooks);
	s->cgroup_manager = oci_doc_strdup(doc, cgroup_manager_to_string(env->cgroup_manager));
	s->sandbox = b->sandbox ? oci_doc_strdup(doc, b->sandbox) : NULL;
	for (size_t i = 0; b->config->annotations && i < b->config->annotations->n; i++)
		oci_doc_map_set(doc, &s->annotations, b->config->annotations->entries[i].key,
				b->config->annotations->entries[i].value);
}

/* Fills the directory called tmp: lock, config.json, state.json. */
static int fill_dir(struct container *c, const struct env *env, const char *tmp, const struct bundle *b,
		    struct error *err)
{
	int r;

	c->lock_fd = openat(env->root_dirfd, tmp, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (c->lock_fd < 0)
		return error_errno(err, "open %s/%s", env->root, tmp);
	c->dirfd = openat(c->lock_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->dirfd < 0 || flock(c->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return error_errno(err, "lock %s/%s", env->root, tmp);
	r = file_replace_at(c->dirfd, "config.json", b->json, b->json_len, 0600);
	if (r < 0)
		return error_errnum(err, r, "write %s/%s/config.json", env->root, tmp);
	return container_save(c, err);
}

/* No id, for it begins with a dot; not our pid, which another pid namespace with the same root may have too.
 */
static char *temporary_name(void)
{
	uint64_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint64_t)getpid();
	return xasprintf(CONTAINER_NEW_PREFIX "%016llx", (unsigned long long)random);
}

int container_new(const struct env *env, const char *id, const struct bundle *bundle,
		  const char *runtime_type, struct container **ret, struct error *err)
{
	_cleanup_container_ struct container *c = container_alloc(id);
	_cleanup_free_ char *tmp = temporary_name();
	struct oci_error oe;
	int r;

	if (faccessat(env->root_dirfd, id, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return error_set(err, EEXIST, "container with given ID already exists: \"%s\"", id);
	r = oci_doc_new(&hv_state_type, &c->state_doc, &oe);
	if (r < 0)
		return document_error(err, &oe);
	c->state = oci_doc_root(c->state_doc);
	fill_state(c, env, bundle, runtime_type);
	if (mkdirat(env->root_dirfd, tmp, 0700) < 0)
		return error_errno(err, "mkdir %s/%s", env->root, tmp);
	r = fill_dir(c, env, tmp, bundle, err);
	if (r == 0 && renameat2(env->root_dirfd, tmp, env->root_dirfd, id, RENAME_NOREPLACE) < 0)
		r = errno == EEXIST
			    ? error_set(err, EEXIST, "container with given ID already exists: \"%s\"", id)
			    : error_errno(err, "rename %s/%s to %s", env->root, tmp, id);
	if (r < 0) {
		file_remove_tree(env->root_dirfd, tmp);
		return r;
	}
	*ret = TAKE_PTR(c);
	return 0;
}

/* What create made in the state directory. */
static int remove_entries(const struct container *c, struct error *err)
{
	int fd = openat(c->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d) {
		r = error_errno(err, "container \"%s\": read its state directory", c->id);
		fd_close(fd);
		return r;
	}
	for (struct dirent *e; r == 0 && (e = readdir(d));) {
		if (str_eq(e->d_name, ".") || str_eq(e->d_name, "..") || str_eq(e->d_name, "state.json") || str_eq(e->d_name, "config.json"))
			continue;
		r = file_remove_tree(c->dirfd, e->d_name);
		if (r < 0)
			error_errnum(err, r, "container \"%s\": remove %s", c->id, e->d_name);
	}
	closedir(d);
	return r;
}

int container_reset(const struct env *env, struct container *c, const struct bundle *bundle, const char *runtime_type, struct error *err)
{
	struct oci_doc *old_doc = c->state_doc;
	const struct hv_state *old = c->state;
	struct oci_error oe;
	int r = remove_entries(c, err);

	if (r < 0)
		return r;
	if (oci_doc_new(&hv_state_type, &c->state_doc, &oe) < 0) {
		c->state_doc = old_doc;
		return document_error(err, &oe);
	}
	c->state = oci_doc_root(c->state_doc);
	fill_state(c, env, bundle, runtime_type);
	c->state->created = oci_doc_strdup(c->state_doc, old->created);
	c->state->no_pivot = c->state->has_no_pivot = old->no_pivot;
	c->state->no_new_keyring = c->state->has_no_new_keyring = old->no_new_keyring;
	oci_doc_free(old_doc);
	return container_save(c, err);
}

static int not_found(const char *id, struct error *err)
{
	error_set(err, ENOENT, "container \"%s\" does not exist", id);
	return CONTAINER_E_NOT_FOUND;
}

static int lock_dir(struct container *c, struct error *err)
{
	struct stat st;

	while (flock(c->lock_fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return error_errno(err, "container \"%s\": lock", c->id);
	if (fstat(c->lock_fd, &st) < 0)
		return error_errno(err, "container \"%s\": fstat", c->id);
	return st.st_nlink == 0 ? not_found(c->id, err) : 0;
}

static int read_state(struct container *c, struct error *err)
{
	_cleanup_free_ char *json = NULL;
	size_t len;
	struct oci_error oe;
	int r = file_read_regular_at(c->dirfd, "state.json", STATE_MAX, &json, &len);

	if (r == -ENOENT)
		return not_found(c->id, err);
	if (r < 0)
		return error_errnum(err, r, "container \"%s\": read state.json", c->id);
	if (oci_parse(&hv_state_type, json, len, NULL, &c->state_doc, &oe) < 0) {
		document_error(err, &oe);
		return error_wrap(err, "container \"%s\": state.json", c->id);
	}
	c->state = oci_doc_root(c->state_doc);
	if (!str_eq(c->state->id, c->id))
		return error_set(err, EINVAL,
				 "container \"%s\": state.json: id: \"%s\" is another container's", c->id,
				 c->state->id);
	return 0;
}

int container_open_dir(const struct env *env, const char *id, bool lock, struct container **ret,
		       struct error *err)
{
	_cleanup_container_ struct container *c = NULL;
	int r = container_id_validate(id, err);

	if (r < 0)
		return r;
	if (env->root_dirfd < 0)
		return not_found(id, err);
	c = container_alloc(id);
	c->dirfd = openat(env->root_dirfd, id, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (c->dirfd < 0)
		return errno == ENOENT ? not_found(id, err) : error_errno(err, "open %s/%s", env->root, id);
	if (lock) {
		/* not a duplicate: a lock is the open file's, and a child of create closes its copy of that alone */
		c->lock_fd = openat(c->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (c->lock_fd < 0)
			return error_errno(err, "container \"%s\": open", id);
		r = lock_dir(c, err);
	}
	if (r == 0)
		*ret = TAKE_PTR(c);
	return r;
}

int container_open(const struct env *env, const char *id, bool lock, struct container **ret,
		   struct error *err)
{
	_cleanup_container_ struct container *c = NULL;
	int r = container_open_dir(env, id, lock, &c, err);

	if (r == 0)
		r = read_state(c, err);
	if (r == 0)
		*ret = TAKE_PTR(c);
	return r;
}

void container_unlock(struct container *c)
{
	/*
	 * said aloud, because a child that was cloned meanwhile has copies of the fd and with them of the
	 * lock
	 */
	if (c->lock_fd >= 0)
		flock(c->lock_fd, LOCK_UN);
	c->lock_fd = fd_close(c->lock_fd);
}

int container_save(struct container *c, struct error *err)
{
	_cleanup_free_ char *json = NULL;
	struct oci_error oe;
	size_t len;
	int r;

	if (oci_write(&hv_state_type, c->state, NULL, &json, &len, &oe) < 0) {
		document_error(err, &oe);
		return error_wrap(err, "container \"%s\": state.json", c->id);
	}
	r = file_replace_at(c->dirfd, "state.json", json, len, 0600);
	return r < 0 ? error_errnum(err, r, "container \"%s\": write state.json", c->id) : 0;
}

int container_remove(const struct env *env, struct container *c, struct error *err)
{
	int r = file_remove_tree(env->root_dirfd, c->id);

	return r < 0 ? error_errnum(err, r, "remove %s/%s", env->root, c->id) : 0;
}

int container_config(struct container *c, const struct oci_config **ret, struct error *err)
{
	_cleanup_free_ char *json = NULL;
	struct oci_error oe;
	size_t len;
	int r;

	if (!c->config_doc) {
		r = file_read_regular_at(c->dirfd, "config.json", CONFIG_MAX, &json, &len);
		if (r < 0)
			return error_errnum(err, r, "container \"%s\": read config.json", c->id);
		if (oci_parse(&oci_config_type, json, len, NULL, &c->config_doc, &oe) < 0) {
			document_error(err, &oe);
			return error_wrap(err, "container \"%s\": config.json", c->id);
		}
	}
	*ret = oci_doc_root(c->config_doc);
	return 0;
}

bool container_process_alive(const struct container *c)
{
	return c->state->has_pid && process_is_alive((pid_t)c->state->pid, c->state->start_time);
}

enum container_status container_status_look(const struct container *c, char *ret_state)
{
	*ret_state = 0;
	if (c->state->creating)
		return CONTAINER_CREATING;
	if (c->state->has_pid)
		*ret_state = process_look((pid_t)c->state->pid, c->state->start_time);
	if (!*ret_state)
		return CONTAINER_STOPPED;
	if (faccessat(c->dirfd, CONTAINER_START_SOCKET, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return CONTAINER_CREATED;
	return CONTAINER_RUNNING;
}

enum container_status container_status_of(const struct container *c)
{
	char state;

	return container_status_look(c, &state);
}

void container_oci_state_fill(const struct container *c, enum container_status status, pid_t pid,
			      struct oci_state *ret)
{
	*ret = (struct oci_state){
		.oci_version = (char *)OCI_SPEC_VERSION,
		.id = c->id,
		.status = (char *)container_status_to_string(status),
		.has_pid = pid > 0,
		.pid = pid,
		.bundle = c->state->bundle,
		.annotations = c->state->annotations,
	};
}

char *container_oci_state(const struct container *c, enum container_status status, pid_t pid)
{
	struct oci_state s;
	struct oci_error oe;
	char *json;

	container_oci_state_fill(c, status, pid, &s);
	if (oci_write(&oci_state_type, &s, NULL, &json, NULL, &oe) < 0)
		return xstrdup("{}");
	return json;
}
