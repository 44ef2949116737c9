/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_BASE_BUF_H
#define HV_BASE_BUF_H

#include <stddef.h>

#include "base/macros.h"

/*
 * Bytes that grow. {0} is an empty one. data, when not NULL, is always followed by a NUL that len does not
 * count.
 */
struct buf {
	char *data;
	size_t len;
	size_t size;
};

void buf_done(struct buf *b);
#define _cleanup_buf_ _cleanup_(buf_done)

/* Room for n more bytes (and the NUL); the place to write them, which buf_added() then counts. */
char *buf_reserve(struct buf *b, size_t n);
void buf_added(struct buf *b, size_t n);

void buf_append(struct buf *b, const void *p, size_t n);
void buf_append_str(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...) _printf_(2, 3);

/* s as a JSON string, quotes included; what is not UTF-8 becomes U+FFFD. */
void buf_append_json(struct buf *b, const char *s);

/* Drops the first n bytes. */
void buf_consume(struct buf *b, size_t n);

/* The content, the caller's to free(), never NULL; the buffer is empty afterwards. */
char *buf_take(struct buf *b);

#endif
