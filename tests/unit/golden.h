/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_TESTS_UNIT_GOLDEN_H
#define HV_TESTS_UNIT_GOLDEN_H

#include <stddef.h>

/*
 * Golden files: tests/golden/<name>, found through $top_srcdir (the build sets it; the current directory
 * without). With HV_UPDATE_GOLDEN in the environment a comparison writes the file instead: the review is the
 * diff.
 */

/* A file's content, free()d by the caller; fails the test when it cannot be read. ret_len may be NULL. */
char *golden_read(const char *name, size_t *ret_len);

/* The names in the directory that end in suffix, without it, sorted; strv_free(). Fails the test when there
 * are none. */
char **golden_list(const char *dir, const char *suffix);

/* Compares text with the file, or writes it there. Fails the test at the first line that differs. */
void golden_compare(const char *name, const char *text);

#endif
