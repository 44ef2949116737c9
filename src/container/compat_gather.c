/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What compat.c compares, found out: from the bundle's annotations and the program that it runs, from uname(2), from the configuration file's
 * guests. The root file system is a stranger's. Only regular files are opened there, by descriptor, and of each no more
 * than a page is read.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <ocispec/doc.h>
#include <ocispec/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "container/annotation.h"
#include "container/binfmt.h"
#include "container/bundle.h"
#include "container/compat.h"
#include "container/elf.h"
#include "container/settings.h"
#include "linux/safe_open.h"
#include "schema/json.h"
#include "schema/types.h"

enum {
	HEAD_SIZE = 4096,	/* of a program: header, program headers and notes are there */
	INTERPRETERS_MAX = 4,	/* of scripts that run scripts (execve(2)) */
	GUEST_JSON_MAX = 1 << 16,
};

/* A kernel that no guest is older than (contrib/guest). */
#define OLDEST_GUEST KERNEL_VERSION(5, 10, 0)

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" /* as native/executable.c has it */

/* The path that the kernel has for fd; for free(), NULL when it has none. */
static char *path_of(int fd)
{
	char link[40], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path));
	return n <= 0 || n == sizeof(path) ? NULL : xstrndup(path, (size_t)n);
}

/* A mount of the container's will be over what is there now: then nobody knows yet what will be there. */
static bool is_hidden(const struct oci_config *c, int rootfs_fd, int fd)
{
	_cleanup_free_ char *root = path_of(rootfs_fd), *path = path_of(fd);
	const char *inside = root && path ? str_skip_prefix(path, str_eq(root, "/") ? "" : root) : NULL;

	for (size_t i = 0; inside && i < c->n_mounts; i++) {
		_cleanup_free_ char *absolute = path_join("/", c->mounts[i].destination), *destination = path_normalize(absolute);

		if (path_is_below(inside, destination))
			return true;
	}
	return !inside;
}

/* The first bytes of a regular file; 0 for anything else. */
static size_t read_head(const struct oci_config *c, int rootfs_fd, const char *path, unsigned char head[HEAD_SIZE])
{
	_cleanup_fd_ int found = safe_open(rootfs_fd, path, O_PATH | O_CLOEXEC), fd = -1;
	char link[40];
	struct stat st;
	ssize_t n;

	if (found < 0 || fstat(found, &st) < 0 || !S_ISREG(st.st_mode) || is_hidden(c, rootfs_fd, found))
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", found);
	fd = open(link, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	n = fd < 0 ? -1 : fd_read_all(fd, head, HEAD_SIZE);
	return n < 0 ? 0 : (size_t)n;
}

/* process.args[0] as execve(2) will find it: by process.cwd, or along PATH. */
static size_t read_program(const struct oci_config *c, int rootfs_fd, unsigned char head[HEAD_SIZE])
{
	const struct oci_process *p = c->process;
	const char *path = strv_env_get(p->env, "PATH");
	_cleanup_strv_ char **dirs = NULL;
	size_t n = 0;

	if (strchr(p->args[0], '/')) {
		_cleanup_free_ char *program = path_join(p->cwd ? p->cwd : "/", p->args[0]);

		return read_head(c, rootfs_fd, program, head);
	}
	dirs = str_split(path ? path : DEFAULT_PATH, ':');
	for (char **d = dirs; *d && n == 0; d++) {
		_cleanup_free_ char *program = path_join(**d ? *d : "/", p->args[0]);

		n = read_head(c, rootfs_fd, program, head);
	}
	return n;
}

/* "#! /bin/sh -e" → "/bin/sh", for free(); NULL for what is no script. */
static char *script_interpreter(const unsigned char *head, size_t len)
{
	const char *text = (const char *)head;
	size_t at = 2, end;

	if (len < 3 || head[0] != '#' || head[1] != '!')
		return NULL;
	while (at < len && (text[at] == ' ' || text[at] == '\t'))
		at++;
	for (end = at; end < len && !strchr(" \t\n", text[end]); end++) /* the NUL ends it, too */
		;
	return end > at && text[at] == '/' ? xstrndup(text + at, end - at) : NULL;
}

static bool identify_program(const struct oci_config *c, int rootfs_fd, struct elf_identity *ret)
{
	unsigned char head[HEAD_SIZE];
	size_t n = read_program(c, rootfs_fd, head);

	for (int i = 0; i < INTERPRETERS_MAX; i++) {
		_cleanup_free_ char *interpreter = script_interpreter(head, n);

		if (!interpreter)
			break;
		n = read_head(c, rootfs_fd, interpreter, head);
	}
	return elf_identify(head, n, ret);
}

static void look_inside(const struct bundle *b, int rootfs_fd, struct compat_image *image)
{
	struct elf_identity elf;

	if (!b->config->process || rootfs_fd < 0 || !identify_program(b->config, rootfs_fd, &elf))
		return;
	if (!image->architecture)
		image->architecture = compat_architecture_of(&elf);
	image->kernel = MAX(image->kernel, elf.kernel);
}

/* Of Linux, the version of the operating system is the kernel's. */
static void read_image(const struct bundle *b, int rootfs_fd, struct compat_image *ret)
{
	const struct oci_string_map *a = b->config->annotations;

	*ret = (struct compat_image){
		.os = annotation_get(a, ANNOTATION_IMAGE_OS),
		.architecture = annotation_get(a, ANNOTATION_IMAGE_ARCHITECTURE),
		.variant = annotation_get(a, ANNOTATION_IMAGE_VARIANT),
		.features = annotation_get(a, ANNOTATION_IMAGE_OS_FEATURES),
	};
	if (!ret->os && !b->config->linux_ && b->config->windows)
		ret->os = "windows";
	if (!ret->os || str_eq(ret->os, "linux"))
		ret->kernel = compat_parse_version(annotation_get(a, ANNOTATION_IMAGE_OS_VERSION));
	look_inside(b, rootfs_fd, ret);
}

/* guest.json, which "make guest" puts beside its kernel, says what that is. */
static uint32_t described_version(const char *kernel)
{
	_cleanup_free_ char *dir = path_dirname(kernel), *path = path_join(dir, "guest.json"), *json = NULL;
	_cleanup_doc_ struct oci_doc *doc = NULL;
	const struct hv_guest_description *d;
	struct error ignored;
	size_t len;

	if (file_read_at(AT_FDCWD, path, GUEST_JSON_MAX, &json, &len) < 0 ||
	    json_parse(&hv_guest_description_type, json, len, &doc, &ignored) < 0)
		return 0;
	d = oci_doc_root(doc);
	return d->kernel ? compat_parse_version(d->kernel->release) : 0;
}

uint32_t compat_guest_version(const struct settings_guest *g)
{
	uint32_t version = compat_parse_version(g->release);

	return version ? version : described_version(g->kernel);
}

/* Looked for only where it matters. */
static uint32_t guest_version(const struct settings_guest *g, const struct compat_image *image)
{
	uint32_t version = compat_parse_version(g->release);

	if (!version && image->kernel > OLDEST_GUEST)
		version = described_version(g->kernel);
	return version ? version : OLDEST_GUEST;
}

static void list_guests(const struct bundle *b, const struct settings_hyperv *s, struct compat *c)
{
	const char *wanted = annotation_get(b->config->annotations, ANNOTATION_GUEST_KERNEL);

	/* of a vm section's kernel nothing is known but that it is for the usual machine */
	c->n_guests = b->config->vm ? 1 : s->n_guests;
	c->guests = xcalloc(c->n_guests + 1, sizeof(*c->guests));
	for (size_t i = 0; i < c->n_guests; i++) {
		const struct settings_guest *g = &s->guests[i];
		const char *machine = compat_machine(g->architecture);

		c->guests[i] = (struct compat_kernel){ g->name, machine ? machine : g->architecture,
						       b->config->vm ? 0 : guest_version(g, &c->image), g->features };
		if (str_eq(wanted, g->name))
			c->wanted = (int)i;
	}
}

void compat_gather(const struct bundle *b, const struct settings *settings, struct compat *ret)
{
	static struct utsname uts; /* the same for all */
	_cleanup_fd_ int rootfs_fd = file_open_dir(AT_FDCWD, b->rootfs);
	unsigned char header[COMPAT_HEADER_SIZE];

	uname(&uts);
	*ret = (struct compat){ .wanted = -1 };
	ret->host = (struct compat_kernel){ NULL, uts.machine, compat_parse_version(uts.release), settings->os_features };
	read_image(b, rootfs_fd, &ret->image);
	list_guests(b, &settings->hyperv, ret);
	if (ret->image.architecture && compat_fit(&ret->image, &ret->host) == COMPAT_ARCHITECTURE) {
		size_t n = compat_make_header(ret->image.architecture, header);

		ret->emulates = n > 0 && binfmt_emulates(rootfs_fd, header, n);
	}
}

void compat_done(struct compat *c)
{
	free(c->guests);
	c->guests = NULL;
	c->n_guests = 0;
}
