/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A growing buffer, and the one place outside libocispec that writes a JSON string (log lines, our own
 * tables).
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

void buf_done(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ 0 };
}

char *buf_reserve(struct buf *b, size_t n)
{
	size_t need = b->len + n + 1;

	if (need > b->size) {
		b->size = MAX(need, MAX(2 * b->size, (size_t)64));
		b->data = xreallocarray(b->data, b->size, 1);
	}
	return b->data + b->len;
}

void buf_added(struct buf *b, size_t n)
{
	b->len += n;
	b->data[b->len] = '\0';
}

void buf_append(struct buf *b, const void *p, size_t n)
{
	char *to = buf_reserve(b, n);

	if (n > 0)
		memcpy(to, p, n);
	buf_added(b, n);
}

void buf_append_str(struct buf *b, const char *s)
{
	buf_append(b, s, strlen(s));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n <= 0)
		return;
	buf_reserve(b, (size_t)n);
	va_start(ap, fmt);
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	buf_added(b, (size_t)n);
}

/*
 * The length of the UTF-8 sequence at s (RFC 3629: no overlong forms, no surrogates), or 0 when there is
 * none.
 */
static size_t utf8_length(const unsigned char *s)
{
	static const struct {
		unsigned char mask, lead;
		size_t len;
		uint32_t min;
	} forms[] = { { 0x80, 0x00, 1, 0 },
		      { 0xe0, 0xc0, 2, 0x80 },
		      { 0xf0, 0xe0, 3, 0x800 },
		      { 0xf8, 0xf0, 4, 0x10000 } };

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		uint32_t c;

		if ((s[0] & forms[i].mask) != forms[i].lead)
			continue;
		c = s[0] & (unsigned char)~forms[i].mask;
		for (size_t k = 1; k < forms[i].len; k++) {
			if ((s[k] & 0xc0) != 0x80)
				return 0;
			c = c << 6 | (s[k] & 0x3f);
		}
		if (c < forms[i].min || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
			return 0;
		return forms[i].len;
	}
	return 0;
}

/* What one byte below 0x20, a quote or a backslash becomes. */
static void append_escaped(struct buf *b, unsigned char c)
{
	static const char plain[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
	const char *p = strchr(plain, c);

	if (p)
		buf_printf(b, "\\%c", letter[p - plain]);
	else
		buf_printf(b, "\\u%04x", c);
}

/* How many bytes at s are themselves in JSON, and ASCII: nearly all that we write. */
static size_t plain_length(const unsigned char *s)
{
	size_t n = 0;

	while (s[n] >= 0x20 && s[n] < 0x80 && s[n] != '"' && s[n] != '\\')
		n++;
	return n;
}

void buf_append_json(struct buf *b, const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	buf_append(b, "\"", 1);
	while (*p) {
		size_t plain = plain_length(p), n = plain ? plain : utf8_length(p);

		if (n == 0) {
			buf_append_str(b, "\xef\xbf\xbd");
			p++;
		} else if (*p < 0x20 || *p == '"' || *p == '\\') {
			append_escaped(b, *p++);
		} else {
			buf_append(b, p, n);
			p += n;
		}
	}
	buf_append(b, "\"", 1);
}

void buf_consume(struct buf *b, size_t n)
{
	if (n >= b->len) {
		b->len = 0;
	} else {
		memmove(b->data, b->data + n, b->len - n);
		b->len -= n;
	}
	if (b->data)
		b->data[b->len] = '\0';
}

char *buf_take(struct buf *b)
{
	char *p;

	buf_reserve(b, 0)[0] = '\0';
	p = b->data;
	*b = (struct buf){ 0 };
	return p;
}
