/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of --vm-console and --vm-log. The guest decides what and how much is written, so both are bounded here. */
#include "vmwp/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

static int open_file(struct log_file *f)
{
	struct stat st;

	f->fd = openat(f->dirfd, f->name, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	if (f->fd < 0)
		return -errno;
	if (fstat(f->fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		f->fd = fd_close(f->fd);
		return -EINVAL;
	}
	f->size = st.st_size;
	return 0;
}

int log_file_open(struct log_file *f, const char *option, const char *path, off_t max, struct error *err)
{
	const char *slash = path ? strrchr(path, '/') : NULL;
	_cleanup_free_ char *dir = NULL;
	int r;

	*f = LOG_FILE_NONE;
	if (!path)
		return 0;
	dir = xstrndup(path, slash ? (size_t)(slash - path) + 1 : 0);
	f->name = xstrdup(slash ? slash + 1 : path);
	f->max = max;
	f->dirfd = open(slash ? dir : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = f->dirfd < 0 ? -errno : open_file(f);
	if (r == -EINVAL)
		return error_set(err, EINVAL, "%s: %s is not a regular file", option, path);
	return r < 0 ? error_errnum(err, r, "%s: open %s", option, path) : 0;
}

static void begin_anew(struct log_file *f)
{
	_cleanup_free_ char *old = xasprintf("%s.1", f->name);

	f->fd = fd_close(f->fd);
	if (renameat(f->dirfd, f->name, f->dirfd, old) == 0)
		open_file(f);
}

static char harmless(char c)
{
	return (c >= 0 && c < ' ' && c != '\n' && c != '\t') || c == 0x7f ? '?' : c;
}

/* At most as much as one file may have. */
static void write_some(struct log_file *f, const char *bytes, size_t n)
{
	_cleanup_free_ char *copy = xmalloc(n);
	size_t len = 0;

	for (size_t i = 0; i < n; i++)
		if (bytes[i] != '\r') /* the guest's kernel ends its lines with both */
			copy[len++] = harmless(bytes[i]);
	if (f->size + (off_t)len > f->max)
		begin_anew(f);
	if (f->fd >= 0 && fd_write_all(f->fd, copy, len) == 0)
		f->size += (off_t)len;
}

void log_file_write(struct log_file *f, const char *bytes, size_t n)
{
	while (f->fd >= 0 && n > 0) {
		size_t part = n < (size_t)f->max ? n : (size_t)f->max;

		write_some(f, bytes, part);
		bytes += part;
		n -= part;
	}
}

void log_file_done(struct log_file *f)
{
	fd_close(f->fd);
	fd_close(f->dirfd);
	free(f->name);
	*f = LOG_FILE_NONE;
}
