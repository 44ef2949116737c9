/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Paths as text. Anything that must be safe against a changing file system uses fds instead. */
#include "base/path.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

bool path_is_absolute(const char *path)
{
	return path && path[0] == '/';
}

bool path_is_name(const char *name)
{
	return !str_is_empty(name) && !str_eq(name, ".") && !str_eq(name, "..") && !strchr(name, '/');
}

/* The next component of *path and its length; moves *path behind it. NULL at the end. */
static const char *next_component(const char **path, size_t *len)
{
	const char *p = *path + strspn(*path, "/");

	*len = strcspn(p, "/");
	*path = p + *len;
	return *len > 0 ? p : NULL;
}

static bool is_dotdot(const char *c, size_t len)
{
	return len == 2 && c[0] == '.' && c[1] == '.';
}

bool path_has_dotdot(const char *path)
{
	const char *c;
	size_t len;

	while ((c = next_component(&path, &len)))
		if (is_dotdot(c, len))
			return true;
	return false;
}

char *path_join(const char *a, const char *b)
{
	size_t len = strlen(a);

	if (path_is_absolute(b))
		return xstrdup(b);
	if (str_is_empty(b) || str_eq(b, "."))
		return xstrdup(a);
	while (len > 1 && a[len - 1] == '/')
		len--;
	return xasprintf("%.*s%s%s", (int)len, a, len > 0 && a[len - 1] != '/' ? "/" : "", b);
}

/* Takes the last component of b away; false when there is none but "..". */
static bool drop_last(struct buf *b, size_t root)
{
	const char *slash = b->len > root ? memrchr(b->data + root, '/', b->len - root) : NULL;
	size_t start = slash ? (size_t)(slash - b->data) + 1 : root;

	if (b->len <= root || is_dotdot(b->data + start, b->len - start))
		return false;
	b->len = slash ? start - 1 : root;
	return true;
}

char *path_normalize(const char *path)
{
	struct buf b = { 0 };
	size_t root = path_is_absolute(path) ? 1 : 0, len;
	const char *c;

	buf_append(&b, "/", root);
	while ((c = next_component(&path, &len))) {
		if (len == 1 && c[0] == '.')
			continue;
		if (is_dotdot(c, len) && (drop_last(&b, root) || root))
			continue;
		if (b.len > root)
			buf_append(&b, "/", 1);
		buf_append(&b, c, len);
	}
	if (b.len == 0)
		buf_append(&b, ".", 1);
	b.data[b.len] = '\0';
	return buf_take(&b);
}

bool path_is_below(const char *path, const char *dir)
{
	const char *rest = str_skip_prefix(path, dir);

	return rest && (*rest == '\0' || *rest == '/' || str_has_suffix(dir, "/"));
}

const char *path_basename(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

char *path_dirname(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return xstrdup(".");
	return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}
