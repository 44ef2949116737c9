/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_CONTAINER_BINFMT_H
#define HV_CONTAINER_BINFMT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether an entry of binfmt_misc, as the kernel shows it (Documentation/admin-guide/binfmt-misc.rst), is switched on and takes files that
 * begin with these bytes. *ret_interpreter: within text, its length in *ret_len; NULL when the kernel holds it open (flag F), so that no
 * root file system needs it. Pure.
 */
bool binfmt_matches(const char *text, const unsigned char *head, size_t len, const char **ret_interpreter, size_t *ret_len);

/* Whether this kernel has such an entry, with an interpreter that is there in the root file system where it is needed. */
bool binfmt_emulates(int rootfs_fd, const unsigned char *head, size_t len);

#endif
