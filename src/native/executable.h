/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_NATIVE_EXECUTABLE_H
#define HV_NATIVE_EXECUTABLE_H

#include <limits.h>
#include <sys/types.h>

#include "base/error.h"

/* What is looked up in the container's files before the user's program is executed. Child side: nothing
 * allocates. */

/*
 * The path of the program name: itself when it has a slash, else the first executable file of that name in
 * the PATH of env. In the words that docker and podman know: `exec: "x": executable file not found in $PATH`,
 * `exec: "/x": stat /x: no such file or directory`, `exec: "/x": permission denied`.
 */
int executable_find(const char *name, char *const *env, char ret[static PATH_MAX], struct error *err);

/* "HOME=..." from the line of uid in the container's /etc/passwd, passwd(5); "HOME=/" without one. Returns
 * buf. */
char *executable_home(int root_fd, uid_t uid, char buf[static PATH_MAX]);

#endif
