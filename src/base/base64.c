/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Base 64 as RFC 4648 section 4 has it. Decoding is strict: what comes in is from a bundle. */
#include "base/base64.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The six bits of a character; -1: it is none of the alphabet, the end of the text included. */
static int bits(char c)
{
	const char *p = c ? strchr(alphabet, c) : NULL;

	return p ? (int)(p - alphabet) : -1;
}

int base64_decode(const char *text, unsigned char **ret, size_t *ret_len)
{
	size_t len = strlen(text), n = 0, pad = 0;
	_cleanup_free_ unsigned char *out = xcalloc(len / 4 + 1, 3);

	if (len % 4 != 0)
		return -EINVAL;
	while (pad < 2 && len > pad && text[len - pad - 1] == '=')
		pad++;
	for (size_t i = 0; i < len; i += 4) {
		size_t skip = i + 4 == len ? pad : 0;
		uint32_t group = 0;

		for (size_t k = 0; k < 4 - skip; k++) {
			int b = bits(text[i + k]);

			if (b < 0)
				return -EINVAL;
			group |= (uint32_t)b << (18 - 6 * k);
		}
		for (size_t k = 0; k < 3 - skip; k++)
			out[n++] = (unsigned char)(group >> (16 - 8 * k));
		if (group & ((1U << (8 * skip)) - 1))
			return -EINVAL;
	}
	*ret = TAKE_PTR(out);
	*ret_len = n;
	return 0;
}

char *base64_encode(const void *data, size_t len)
{
	const unsigned char *in = data;
	char *out = xcalloc((len + 2) / 3 + 1, 4), *p = out;

	for (size_t i = 0; i < len; i += 3) {
		size_t n = MIN(len - i, (size_t)3);
		uint32_t group = (uint32_t)in[i] << 16 | (n > 1 ? (uint32_t)in[i + 1] << 8 : 0) | (n > 2 ? in[i + 2] : 0);

		for (size_t k = 0; k < 4; k++)
			*p++ = k <= n ? alphabet[group >> (18 - 6 * k) & 63] : '=';
	}
	return out;
}
