/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Well-formed UTF-8, by RFC 3629 section 4: no overlong forms, no surrogates, nothing above U+10FFFF. yajl
 * looks at the bytes of a document too, but takes overlong forms for good, and turns the escape of half a
 * surrogate pair into what is no UTF-8.
 */
#include "utf8.h"

#include <stdint.h>
#include <string.h>

/* By the first byte: how long, and the range that the second byte must be in. */
static const struct {
	uint8_t first, last, length, low, high;
} sequences[] = {
	{ 0xc2, 0xdf, 2, 0x80, 0xbf }, { 0xe0, 0xe0, 3, 0xa0, 0xbf }, { 0xe1, 0xec, 3, 0x80, 0xbf },
	{ 0xed, 0xed, 3, 0x80, 0x9f }, { 0xee, 0xef, 3, 0x80, 0xbf }, { 0xf0, 0xf0, 4, 0x90, 0xbf },
	{ 0xf1, 0xf3, 4, 0x80, 0xbf }, { 0xf4, 0xf4, 4, 0x80, 0x8f },
};

size_t oci_utf8_length(const char *text, size_t len)
{
	const uint8_t *s = (const uint8_t *)text;
	if (len > 0 && s[0] < 0x80)
		return 1;
	for (size_t i = 0; len > 0 && i < sizeof(sequences) / sizeof(sequences[0]); i++) {
		size_t n = sequences[i].length;
		if (s[0] < sequences[i].first || s[0] > sequences[i].last)
			continue;
		if (len < n || s[1] < sequences[i].low || s[1] > sequences[i].high)
			return 0;
		for (size_t k = 2; k < n; k++)
			if ((s[k] & 0xc0) != 0x80)
				return 0;
		return n;
	}
	return 0;
}

/* How many bytes at s are ASCII, in steps of eight: nearly all text is nothing else. */
static size_t skip_ascii(const char *s, size_t len)
{
	size_t n = 0;
	for (uint64_t word; n + sizeof(word) <= len; n += sizeof(word)) {
		memcpy(&word, s + n, sizeof(word));
		if (word & 0x8080808080808080u)
			break;
	}
	return n;
}

const char *oci_text_problem(const char *text, size_t len)
{
	if (memchr(text, '\0', len))
		return "contains a NUL character";
	for (size_t i = skip_ascii(text, len), n; i < len; i += n) {
		n = oci_utf8_length(text + i, len - i);
		if (n == 0)
			return "contains invalid UTF-8";
	}
	return NULL;
}
