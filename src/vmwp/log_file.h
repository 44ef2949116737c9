/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_VMWP_LOG_FILE_H
#define HV_VMWP_LOG_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/* A file that gets what a guest or its VMM says, and never more than twice LOG_FILE_MAX of it. */
enum { LOG_FILE_MAX = 1 << 20 };
struct log_file {
	char *name; /* NULL: there is none */
	int dirfd;  /* where it is: the worker lives where paths of the host's lead nowhere */
	int fd;
	off_t size, max;
};
#define LOG_FILE_NONE ((struct log_file){ .dirfd = -1, .fd = -1 })

/*
 * Opens path (NULL: nothing, and nothing is written) to be added to; makes it, for its owner alone. Something else than a regular file is refused, a
 * symlink too. Returns 0 or < 0 with *err, which begins with option.
 */
int log_file_open(struct log_file *f, const char *option, const char *path, off_t max, struct error *err);

/*
 * Adds bytes, control characters but newlines and tabs as "?": a terminal that shows the file must not obey the guest. A file that is full becomes
 * <path>.1 (replacing the one before) and a new one is begun. What cannot be written is lost.
 */
void log_file_write(struct log_file *f, const char *bytes, size_t n);

void log_file_done(struct log_file *f);

#endif
