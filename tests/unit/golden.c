/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Golden files for unit tests. */
#include "golden.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

static char *path_of(const char *name)
{
	const char *top = getenv("top_srcdir");

	return xasprintf("%s/tests/golden/%s", top ? top : ".", name);
}

char *golden_read(const char *name, size_t *ret_len)
{
	_cleanup_free_ char *path = path_of(name);
	char *text = NULL;

	if (file_read_at(AT_FDCWD, path, 1 << 20, &text, ret_len) < 0)
		fail_msg("cannot read %s (make update-golden makes it)", path);
	return text;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char **golden_list(const char *dir, const char *suffix)
{
	_cleanup_free_ char *path = path_of(dir);
	char **names = NULL;
	DIR *d = opendir(path);
	struct dirent *e;

	if (!d)
		fail_msg("cannot read %s", path);
	while ((e = readdir(d))) {
		_cleanup_free_ char *name = NULL;

		if (!str_has_suffix(e->d_name, suffix))
			continue;
		name = xstrndup(e->d_name, strlen(e->d_name) - strlen(suffix));
		strv_append(&names, name);
	}
	closedir(d);
	if (!names)
		fail_msg("%s has no file *%s", path, suffix);
	qsort(names, strv_length(names), sizeof(*names), by_name);
	return names;
}

void golden_compare(const char *name, const char *text)
{
	_cleanup_free_ char *path = path_of(name), *wanted = NULL;
	size_t line = 1;

	if (getenv("HV_UPDATE_GOLDEN")) {
		if (file_replace_at(AT_FDCWD, path, text, strlen(text), 0644) < 0)
			fail_msg("cannot write %s", path);
		return;
	}
	wanted = golden_read(name, NULL);
	if (strcmp(wanted, text) == 0)
		return;
	for (const char *w = wanted, *t = text; *w && *w == *t; w++, t++)
		line += *w == '\n';
	fail_msg("%s differs at line %zu; got:\n%s", path, line, text);
}
