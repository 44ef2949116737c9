/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A document from a file: read whole, up to the limit of size, whatever kind of file it is. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"

static int file_error(struct oci_error *err, const char *path, int code)
{
	return oci_error_at(err, code, NULL, "%.512s: %s", path, strerror(code));
}

/* Reads up to max + 1 bytes: the last one shows that there are too many. */
static int read_all(int fd, size_t max, char **ret, size_t *ret_len)
{
	char *data = NULL;
	size_t len = 0, size = 0;
	for (;;) {
		if (len == size) {
			size = size > 0 ? 2 * size : 16 << 10;
			char *bigger = realloc(data, size);
			if (!bigger) {
				free(data);
				return -ENOMEM;
			}
			data = bigger;
		}
		ssize_t n = len > max ? 0 : read(fd, data + len, size - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			n = -errno;
			free(data);
			return (int)n;
		}
		if (n == 0) {
			*ret = data;
			*ret_len = len;
			return 0;
		}
		len += (size_t)n;
	}
}

int oci_parse_file(const struct oci_type *type, const char *path, const struct oci_parse_options *options,
		   struct oci_doc **ret, struct oci_error *err)
{
	size_t max = options && options->max_size > 0 ? options->max_size : OCI_MAX_SIZE;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return file_error(err, path, errno);
	char *data = NULL;
	size_t len = 0;
	int r = read_all(fd, max, &data, &len);
	(void)close(fd);
	if (r < 0)
		return file_error(err, path, -r);
	struct oci_error inner = { 0 };
	r = oci_parse(type, data, len, options, ret, &inner);
	free(data);
	return r < 0 ? oci_error_at(err, inner.code, NULL, "%.512s: %s", path, inner.msg) : 0;
}
