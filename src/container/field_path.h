/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_CONTAINER_FIELD_PATH_H
#define HV_CONTAINER_FIELD_PATH_H

#include <stddef.h>

/*
 * Where a message names a field of config.json ("process.user.uid", "mounts[3]"): its first byte and *ret_len, or NULL when it names
 * none. What machines read of a message that is written for people.
 */
const char *field_path_find(const char *msg, size_t *ret_len);

#endif
