/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Compiled filters below the state root, because libseccomp takes milliseconds for the profile that everybody
 * uses. A file holds the whole key (the profile with every field, each string with its length, and all else
 * that libseccomp's answer depends on) beside the instructions, and the key is compared byte by byte: the
 * hash in the file's name only finds it, so no two profiles can ever share a filter. A file that is not
 * exactly as we write it, or that somebody else could have written, counts as absent. Written under another
 * name and renamed: a reader sees a whole file or none. A container has the file of its own profile under a name in its
 * state directory, too: its execs find it there whatever has become of the cache.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/seccomp.h>
#include <ocispec/types.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "linux/seccomp_internal.h"
#include "linux/sys.h"

#define CACHE_DIR ".cache/seccomp"
#define KEPT_NAME "seccomp.bpf"

enum { FILES_MAX = 64, KEY_MAX = 1 << 20, NAME_SIZE = 17 };

struct header {
	char magic[8];
	uint32_t key_len, n_insns;
	uint64_t sum; /* of the instructions */
};

static const char magic[8] = { 'h', 'v', 'b', 'p', 'f', '\r', '\n', 1 };

/* FNV-1a, 64 bits: it finds files and sees damage; nothing is trusted because of it. */
static uint64_t hash(const void *p, size_t n)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < n; i++)
		h = (h ^ ((const unsigned char *)p)[i]) * UINT64_C(0x100000001b3);
	return h;
}

static void name_of(const struct buf *key, char ret[static NAME_SIZE])
{
	snprintf(ret, NAME_SIZE, "%016" PRIx64, hash(key->data, key->len));
}

static void put(struct buf *b, uint64_t v)
{
	buf_append(b, &v, sizeof(v));
}

static void put_string(struct buf *b, const char *s)
{
	put(b, strlen(s));
	buf_append_str(b, s);
}

static void put_enums(struct buf *b, const int *v, size_t n)
{
	put(b, n);
	for (size_t i = 0; i < n; i++)
		put(b, (uint64_t)v[i]);
}

static void put_syscall(struct buf *b, const struct oci_syscall *s)
{
	put(b, s->n_names);
	for (size_t i = 0; i < s->n_names; i++)
		put_string(b, s->names[i]);
	put(b, s->action);
	put(b, s->has_errno_ret);
	put(b, s->has_errno_ret ? s->errno_ret : 0);
	put(b, s->n_args);
	for (size_t i = 0; i < s->n_args; i++) {
		put(b, s->args[i].index);
		put(b, s->args[i].value);
		put(b, s->args[i].has_value_two);
		put(b, s->args[i].has_value_two ? s->args[i].value_two : 0);
		put(b, s->args[i].op);
	}
}

void seccomp_cache_key(const struct oci_seccomp *oci, unsigned available, struct buf *b)
{
	const struct scmp_version *v = seccomp_version();

	put_string(b, PACKAGE_VERSION " " HV_COMMIT);
	put(b, v->major);
	put(b, v->minor);
	put(b, v->micro);
	put(b, seccomp_arch_native());
	put(b, available);
	put(b, oci->default_action);
	put(b, oci->has_default_errno_ret);
	put(b, oci->has_default_errno_ret ? oci->default_errno_ret : 0);
	put_enums(b, oci->architectures, oci->n_architectures);
	put(b, oci->flags != NULL);
	put_enums(b, oci->flags, oci->n_flags);
	put(b, oci->n_syscalls);
	for (size_t i = 0; i < oci->n_syscalls; i++)
		put_syscall(b, &oci->syscalls[i]);
}

/* Ours, and writable by nobody else. */
static bool is_private(const struct stat *st)
{
	return st->st_uid == geteuid() && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

int seccomp_cache_open(int root_dirfd)
{
	enum { FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };
	_cleanup_fd_ int fd = -1;
	struct stat st;

	if (root_dirfd < 0)
		return -ENOENT;
	fd = openat(root_dirfd, CACHE_DIR, FLAGS);
	if (fd < 0 && errno == ENOENT) {
		int r = file_mkdir_p(root_dirfd, CACHE_DIR, 0700);

		if (r < 0)
			return r;
		fd = openat(root_dirfd, CACHE_DIR, FLAGS);
	}
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	return is_private(&st) ? TAKE_FD(fd) : -EPERM;
}

/* The file's content when it is what a cache file must be; NULL otherwise. */
static char *read_file(int cache_fd, const char *name, size_t *ret_len)
{
	_cleanup_fd_ int fd = openat(cache_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	_cleanup_free_ char *data = NULL;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || !is_private(&st) ||
	    fd_read_file(fd, sizeof(struct header) + KEY_MAX + BPF_MAXINSNS * sizeof(struct sock_filter),
			 &data, ret_len) < 0)
		return NULL;
	return TAKE_PTR(data);
}

static bool load(int dirfd, const char *name, const struct buf *key, struct seccomp_filter *ret)
{
	size_t len = 0, size;
	_cleanup_free_ char *data = read_file(dirfd, name, &len);
	struct header h;

	if (!data || len < sizeof(h))
		return false;
	memcpy(&h, data, sizeof(h));
	size = h.n_insns * sizeof(struct sock_filter);
	if (memcmp(h.magic, magic, sizeof(magic)) != 0 || h.n_insns == 0 || h.n_insns > BPF_MAXINSNS ||
	    h.key_len != key->len || len != sizeof(h) + key->len + size ||
	    memcmp(data + sizeof(h), key->data, key->len) != 0 ||
	    hash(data + sizeof(h) + key->len, size) != h.sum)
		return false;
	ret->n_insns = (unsigned short)h.n_insns;
	ret->insns = xmemdup(data + sizeof(h) + key->len, size);
	return true;
}

bool seccomp_cache_load(int cache_fd, const struct buf *key, struct seccomp_filter *ret)
{
	char name[NAME_SIZE];

	name_of(key, name);
	return cache_fd >= 0 && load(cache_fd, name, key, ret);
}

bool seccomp_kept_load(int dirfd, const struct buf *key, struct seccomp_filter *ret)
{
	return dirfd >= 0 && load(dirfd, KEPT_NAME, key, ret);
}

/* Profiles come and go (one for each pod, made by operators): a full cache is emptied. */
static void make_room(int cache_fd)
{
	int copy = openat(cache_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy >= 0 ? fdopendir(copy) : NULL;
	unsigned n = 0;

	if (!d) {
		fd_close(copy);
		return;
	}
	while (readdir(d))
		n++;
	rewinddir(d);
	for (struct dirent *e; n >= FILES_MAX && (e = readdir(d));)
		if (e->d_type == DT_REG)
			unlinkat(cache_fd, e->d_name, 0);
	closedir(d);
}

static int write_file(int dirfd, const char *name, const struct buf *key, const struct seccomp_filter *f)
{
	const size_t size = f->n_insns * sizeof(*f->insns);
	struct header h = { .key_len = (uint32_t)key->len,
			    .n_insns = f->n_insns,
			    .sum = hash(f->insns, size) };
	_cleanup_buf_ struct buf out = { 0 };

	memcpy(h.magic, magic, sizeof(magic));
	buf_append(&out, &h, sizeof(h));
	buf_append(&out, key->data, key->len);
	buf_append(&out, f->insns, size);
	return file_replace_at(dirfd, name, out.data, out.len, 0600);
}

void seccomp_cache_store(int cache_fd, const struct buf *key, const struct seccomp_filter *f)
{
	char name[NAME_SIZE];
	int r;

	if (cache_fd < 0 || key->len > KEY_MAX)
		return;
	make_room(cache_fd);
	name_of(key, name);
	r = write_file(cache_fd, name, key, f);
	if (r < 0)
		log_debug("seccomp cache: write %s: %s", name, strerror(-r));
}

void seccomp_kept_store(int dirfd, int cache_fd, const struct buf *key, const struct seccomp_filter *f)
{
	char name[NAME_SIZE];
	int r;

	if (dirfd < 0 || key->len > KEY_MAX)
		return;
	name_of(key, name);
	if (cache_fd >= 0 && linkat(cache_fd, name, dirfd, KEPT_NAME, 0) == 0)
		return;
	r = write_file(dirfd, KEPT_NAME, key, f); /* one is there already, of another key; or the cache has none */
	if (r < 0)
		log_debug("seccomp filter: write %s: %s", KEPT_NAME, strerror(-r));
}
