/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_BASE_PATH_H
#define HV_BASE_PATH_H

#include <stdbool.h>

/* Paths as text: nothing here asks the file system. What they return is the caller's to free(). */

bool path_is_absolute(const char *path);

/* One component, usable as a name in a directory: not empty, ".", "..", no "/". */
bool path_is_name(const char *name);

/* Whether a component of path is "..". */
bool path_has_dotdot(const char *path);

/* b if absolute, else "a/b" with one slash between; "." and an empty b give a. */
char *path_join(const char *a, const char *b);

/*
 * Without doubled slashes, "." and trailing slashes; ".." takes the component before it away and stops at the
 * root. "" gives ".".
 */
char *path_normalize(const char *path);

/* Whether path (normalized) is dir (normalized) or below it: "/a/b" is below "/a", "/ab" is not. */
bool path_is_below(const char *path, const char *dir);

/* What follows the last slash: a pointer into path. */
const char *path_basename(const char *path);

/* What precedes the last slash: "/" for "/a", "." when there is none. */
char *path_dirname(const char *path);

#endif
