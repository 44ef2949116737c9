/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_BASE_BASE64_H
#define HV_BASE_BASE64_H

#include <stddef.h>

/*
 * Decodes RFC 4648 section 4: padded, without any character that is not of the alphabet, and with nothing in the bits that padding leaves
 * over, so that there is one text for each value. Returns 0 with *ret for free() (not NULL, even when it is empty), or -EINVAL.
 */
int base64_decode(const char *text, unsigned char **ret, size_t *ret_len);

/* The text of len bytes, for free(). */
char *base64_encode(const void *data, size_t len);

#endif
