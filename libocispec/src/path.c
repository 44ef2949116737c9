/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What messages call things: the path of a field, and a value that is quoted. Both may come from a hostile
 * document and end on an operator's terminal: control characters are escaped and lengths are bounded.
 */
#include "path.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { QUOTED_BYTES = 64 };

static void append(struct oci_path *p, const char *text)
{
	size_t n = strlen(text), space = sizeof(p->text) - 1 - p->len;
	if (n > space)
		n = space;
	memcpy(p->text + p->len, text, n);
	p->len += n;
	p->text[p->len] = '\0';
}

void oci_path_member(struct oci_path *p, const char *name, size_t len)
{
	struct oci_quoted quoted;
	if (p->len > 0)
		append(p, ".");
	append(p, oci_quote(&quoted, name, len));
}

void oci_path_key(struct oci_path *p, const char *key, size_t len)
{
	struct oci_quoted quoted;
	append(p, "[\"");
	append(p, oci_quote(&quoted, key, len));
	append(p, "\"]");
}

void oci_path_index(struct oci_path *p, size_t index)
{
	char text[32];
	(void)snprintf(text, sizeof(text), "[%zu]", index);
	append(p, text);
}

void oci_path_cut(struct oci_path *p, size_t len)
{
	p->len = len;
	p->text[len] = '\0';
}

/* ASCII control characters and, as UTF-8, those from U+0080 to U+009F: terminals obey some of both. */
static bool is_control(const unsigned char *s, size_t i, size_t len)
{
	bool c1 = s[i] >= 0x80 && s[i] < 0xa0 && i > 0 && s[i - 1] == 0xc2;
	bool before_c1 = s[i] == 0xc2 && i + 1 < len && s[i + 1] < 0xa0;
	return s[i] < 0x20 || s[i] == 0x7f || c1 || before_c1;
}

const char *oci_quote(struct oci_quoted *buf, const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t shown = len;
	if (len > QUOTED_BYTES)
		/* not in the middle of a UTF-8 sequence, whose later bytes are 10xxxxxx */
		for (shown = QUOTED_BYTES; shown > 0 && (s[shown] & 0xc0) == 0x80;)
			shown--;
	char *out = buf->text;
	for (size_t i = 0; i < shown; i++) {
		if (is_control(s, i, len))
			out += snprintf(out, 5, "\\x%02x", s[i]);
		else
			*out++ = (char)s[i];
	}
	memcpy(out, shown < len ? "..." : "", shown < len ? 4 : 1);
	return buf->text;
}
