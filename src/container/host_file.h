/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_CONTAINER_HOST_FILE_H
#define HV_CONTAINER_HOST_FILE_H

#include <stdbool.h>

#include "base/error.h"

/* A file of the host's that a bundle names, and what the configuration file says about such files. */
struct host_file {
	const char *field;	  /* "vm.kernel.path" */
	const char *path;
	const char *setting;	  /* "hyperv.allowed_kernels" */
	char *const *allowed;	  /* its patterns; NULL: none */
	const char *const *known; /* files that the configuration names itself; NULL-terminated, or NULL */
};

/*
 * Whether path, an absolute one without symlinks, fits a pattern: the same path; all below it when the pattern ends with a slash; else
 * glob(7), where no wildcard matches a slash. Pure.
 */
bool host_file_matches(const char *pattern, const char *path);

/*
 * Whether a bundle may have the file: it is opened once, and what is compared is the file that path led to. One that is not known must
 * fit a pattern and, like every directory above it, belong to root (or to us) and be writable by nobody else, so that its path still
 * leads there when the VMM opens it. Returns 0 and *ret_path, the path without symlinks for free(), or < 0 with a message that names field and
 * setting.
 */
int host_file_check(const struct host_file *f, char **ret_path, struct error *err);

#endif
