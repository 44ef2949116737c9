/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Layers on the host's disk: one directory for each, below one that only we can enter. state.json knows of it before it exists, so that delete finds
 * it whatever happened to create.
 *
 * A size limit is a file system of that size, in a sparse file: project quotas would do with less, but only on some file systems, mounted with some
 * options. It is an ext4 without a journal, which has nothing to replay that the container would miss (a host that crashes takes
 * its containers along), with the features that Linux 5.10 knows: mke2fs(8) takes 3 ms for it, and 200 KiB.
 */
#include "container/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ocispec/doc.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/path.h"
#include "base/process.h"
#include "base/str.h"
#include "container/annotation.h"
#include "container/container.h"
#include "container/env.h"
#include "container/settings.h"
#include "schema/types.h"

#define USER "user" /* in a kept layer: a symbolic link to the state directory of the container that has it */
#define FEATURES "none,ext_attr,dir_index,extent,filetype,flex_bg,uninit_bg,sparse_super,large_file,huge_file,dir_nlink,extra_isize"

enum { MESSAGE_MAX = 4096 };

/* what is asked for ------------------------------------------------------------------------------------------------------------- */

static const char *key_of(enum annotation a)
{
	return annotation_def(a)->key;
}

static enum layer_kind kind_of(const char *value)
{
	if (!value || str_eq_nocase(value, "none"))
		return LAYER_NONE;
	return str_eq_nocase(value, "memory") ? LAYER_MEMORY : LAYER_OVERLAY;
}

static int check_size(const char *value, const struct layer_spec *l, uint64_t most, struct error *err)
{
	uint64_t least = l->kind == LAYER_MEMORY ? LAYER_MEMORY_MIN : LAYER_DISK_MIN;

	if (l->size < least)
		return error_set(err, ERANGE, "annotation %s: \"%s\" is too small, at least %lluM are needed", key_of(ANNOTATION_SANDBOX_SIZE),
				 value, (unsigned long long)least >> 20);
	if (l->size > INT64_MAX || (most && l->size > most))
		return error_set(err, ERANGE, "annotation %s: \"%s\" is more than the %llu bytes that sandbox.size in the configuration file allows",
				 key_of(ANNOTATION_SANDBOX_SIZE), value, (unsigned long long)(most ? most : INT64_MAX));
	return 0;
}

int layer_spec_get(const struct oci_string_map *annotations, const struct settings *settings, struct layer_spec *ret, struct error *err)
{
	const char *size = annotation_get(annotations, ANNOTATION_SANDBOX_SIZE);
	const char *keep = annotation_get(annotations, ANNOTATION_SANDBOX_KEEP);
	uint64_t most = settings ? settings->sandbox_size : 0;
	struct layer_spec l = { .kind = kind_of(annotation_get(annotations, ANNOTATION_SANDBOX)),
				.keep = str_eq_nocase(keep, "true") };

	if (l.kind == LAYER_NONE && (size || l.keep))
		return error_set(err, EINVAL, "annotation %s: needs %s to be \"overlay\"%s",
				 key_of(size ? ANNOTATION_SANDBOX_SIZE : ANNOTATION_SANDBOX_KEEP), key_of(ANNOTATION_SANDBOX),
				 size ? " or \"memory\"" : "");
	if (l.kind == LAYER_MEMORY && l.keep)
		return error_set(err, EINVAL, "annotation %s: what is in memory cannot be kept, %s must be \"overlay\"",
				 key_of(ANNOTATION_SANDBOX_KEEP), key_of(ANNOTATION_SANDBOX));
	if (l.kind != LAYER_NONE)
		l.size = most;
	if (size) {
		num_parse_size(size, &l.size);
		if (check_size(size, &l, most, err) < 0)
			return -ERANGE;
	}
	*ret = l;
	return 0;
}

/* disks ---------------------------------------------------------------------------------------------------------------------------- */

const char *layer_file(enum layer_form form)
{
	static const char *const names[_LAYER_FORM_MAX] = { "upper", "disk", "guest-disk" };

	return names[form];
}

/* What a program says is told as its first line. */
static int run(const struct process_spawn *spec, int out[2], struct error *err)
{
	_cleanup_free_ char *text = NULL;
	int status, r;
	pid_t pid;

	r = process_spawn(spec, &pid);
	out[1] = fd_close(out[1]);
	if (r < 0)
		return error_errnum(err, r, "start %s", spec->path);
	if (fd_read_file(out[0], MESSAGE_MAX, &text, NULL) == 0)
		text[strcspn(text, "\n")] = '\0';
	r = process_wait(pid, &status);
	if (r < 0)
		return error_errnum(err, r, "wait for %s", spec->path);
	if (status == 0)
		return 0;
	error_set(err, EIO, "%s failed%s%s", spec->path, text && *text ? ": " : "", text ? text : "");
	error_sanitize(err);
	return -err->code;
}

static const char *find_mke2fs(void)
{
	static const char *const paths[] = { "/usr/sbin/mke2fs", "/sbin/mke2fs" };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (access(paths[i], X_OK) == 0)
			return paths[i];
	return NULL;
}

static int format(int fd, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("/proc/self/fd/%d", fd);
	char *argv[] = { (char *)"mke2fs", (char *)"-q", (char *)"-F", (char *)"-t", (char *)"ext4", (char *)"-m", (char *)"0", (char *)"-b",
			 (char *)"4096", (char *)"-I", (char *)"256", (char *)"-O", (char *)FEATURES, (char *)"-E",
			 (char *)"lazy_itable_init=1,nodiscard", path, NULL };
	char *envp[] = { (char *)"PATH=/usr/sbin:/sbin:/usr/bin:/bin", (char *)"LC_ALL=C", NULL };
	struct process_spawn s = { .path = find_mke2fs(), .argv = argv, .envp = envp, .keep_fds = &fd, .n_keep_fds = 1 };
	int out[2], r;

	if (!s.path)
		return error_set(err, ENOENT, "mke2fs (package e2fsprogs) is needed for a file system of a given size, and not installed");
	if (pipe2(out, O_CLOEXEC) < 0)
		return error_errno(err, "pipe2");
	s.stdio[0] = s.stdio[1] = -1;
	s.stdio[2] = out[1];
	r = run(&s, out, err);
	fd_close(out[0]);
	fd_close(out[1]);
	return r;
}

/* Complete when it has its name. */
static int make_disk(int dirfd, const char *name, uint64_t size, struct error *err)
{
	_cleanup_fd_ int fd = openat(dirfd, "new", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r;

	if (fd < 0)
		return error_errno(err, "create %s", name);
	if (ftruncate(fd, (off_t)size) < 0)
		return error_errno(err, "make %s %llu bytes large", name, (unsigned long long)size);
	r = format(fd, err);
	if (r == 0 && renameat(dirfd, "new", dirfd, name) < 0)
		r = error_errno(err, "rename %s", name);
	return r;
}

/* directories ------------------------------------------------------------------------------------------------------------------------- */

static bool has(int dirfd, const char *name)
{
	struct stat st;

	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int fill(int dirfd, const struct layer_spec *spec, enum layer_form form, struct error *err)
{
	for (int i = 0; i < _LAYER_FORM_MAX; i++)
		if (i != (int)form && has(dirfd, layer_file((enum layer_form)i)))
			return error_set(err, EINVAL, "it was made by another runtime type, or with a size where there is none now (or the reverse)");
	return form == LAYER_DIRS || has(dirfd, layer_file(form)) ? 0 : make_disk(dirfd, layer_file(form), spec->size, err);
}

/*
 * For this container alone. One whose state directory has gone (the host was started anew, say) does not have it any more.
 */
static int claim(int dirfd, const char *state_dir, struct error *err)
{
	char user[PATH_MAX];
	ssize_t n;

	if (flock(dirfd, LOCK_EX) < 0)
		return error_errno(err, "flock");
	n = readlinkat(dirfd, USER, user, sizeof(user) - 1);
	if (n > 0) {
		user[n] = '\0';
		if (!str_eq(user, state_dir) && access(user, F_OK) == 0)
			return error_set(err, EBUSY, "it is in use by the container %s", user);
		unlinkat(dirfd, USER, 0);
	}
	return symlinkat(state_dir, dirfd, USER) < 0 ? error_errno(err, "symlink") : 0;
}

static char *make_name(const struct container *c, const struct layer_spec *spec)
{
	uint64_t random = 0;

	if (spec->keep)
		return xstrdup(c->id);
	while (getrandom(&random, sizeof(random), 0) != sizeof(random))
		;
	return xasprintf(".%s.%016llx", c->id, (unsigned long long)random);
}

/* state.json first. A layer that exists is kept, whatever becomes of create. */
static int open_dir(const struct env *env, struct container *c, const struct layer_spec *spec, struct error *err)
{
	_cleanup_free_ char *name = make_name(c, spec), *path = path_join(env->layer_dir, name);
	int r = file_mkdir_p(AT_FDCWD, env->layer_dir, 0700);

	if (r < 0)
		return error_errnum(err, r, "mkdir %s", env->layer_dir);
	c->state->layer = oci_doc_strdup(c->state_doc, path);
	c->state->has_layer_kept = true;
	c->state->layer_kept = access(path, F_OK) == 0;
	r = container_save(c, err);
	if (r < 0)
		return r;
	if (!c->state->layer_kept && mkdir(path, 0700) < 0) {
		c->state->layer = NULL; /* somebody else's */
		return error_errno(err, "mkdir %s", path);
	}
	r = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return r < 0 ? error_errno(err, "open %s", path) : r;
}

int layer_open(const struct env *env, struct container *c, const struct layer_spec *spec, enum layer_form form, struct error *err)
{
	_cleanup_free_ char *state_dir = path_join(env->root, c->id);
	_cleanup_fd_ int fd = open_dir(env, c, spec, err);
	int r = fd;

	if (r >= 0 && spec->keep)
		r = claim(fd, state_dir, err);
	if (r >= 0)
		r = fill(fd, spec, form, err);
	if (r < 0)
		return error_wrap(err, "annotation %s: layer %s", key_of(ANNOTATION_SANDBOX),
				  c->state->layer ? c->state->layer : env->layer_dir);
	return TAKE_FD(fd);
}

void layer_commit(struct container *c, const struct layer_spec *spec)
{
	if (c->state->layer)
		c->state->layer_kept = spec->keep;
}

/* Somebody else's claim stays. */
static int give_back(const char *path, const char *state_dir, struct error *err)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char user[PATH_MAX];
	ssize_t n = fd < 0 ? -1 : readlinkat(fd, USER, user, sizeof(user) - 1);

	if (n < 0)
		return errno == ENOENT ? 0 : error_errno(err, "layer %s", path);
	user[n] = '\0';
	return str_eq(user, state_dir) && unlinkat(fd, USER, 0) < 0 ? error_errno(err, "layer %s", path) : 0;
}

static int remove_dir(const char *path, struct error *err)
{
	_cleanup_free_ char *parent = path_dirname(path);
	_cleanup_fd_ int fd = file_open_dir(AT_FDCWD, parent);
	int r = fd < 0 ? fd : file_remove_tree(fd, path_basename(path));

	return r < 0 && r != -ENOENT ? error_errnum(err, r, "remove layer %s", path) : 0;
}

int layer_release(const struct env *env, struct container *c, struct error *err)
{
	_cleanup_free_ char *state_dir = NULL;

	if (!c->state || !c->state->layer)
		return 0;
	state_dir = path_join(env->root, c->id);
	return c->state->layer_kept ? give_back(c->state->layer, state_dir, err) : remove_dir(c->state->layer, err);
}
