/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The field that an error is about. Every message about the configuration names it in the same way: that of libocispec's errors. */
#include "container/field_path.h"

#include <ctype.h>
#include <string.h>

#include "base/macros.h"

/* The objects and values that config.json has at its top, and what must follow the name: most are common words, too. */
static const struct {
	const char *name, *follow;
} roots[] = {
	{ "process", ".:" }, { "linux", "." },   { "mounts", "[:" },    { "root", "." },         { "hooks", "." },
	{ "hostname", ":" }, { "domainname", ":" }, { "ociVersion", ":" }, { "annotations", "[." }, { "vm", "." },
	{ "windows", "." },
};

static size_t path_length(const char *s)
{
	size_t n = 0;

	while (isalnum((unsigned char)s[n]) || (s[n] && strchr("._[]", s[n])))
		n++;
	while (n > 0 && s[n - 1] == '.')
		n--;
	return n;
}

const char *field_path_find(const char *msg, size_t *ret_len)
{
	for (const char *word = msg; word; word = strchr(word, ' ') ? strchr(word, ' ') + 1 : NULL)
		for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
			size_t n = strlen(roots[i].name);

			if (strncmp(word, roots[i].name, n) != 0 || !word[n] || !strchr(roots[i].follow, word[n]))
				continue;
			*ret_len = path_length(word);
			return word;
		}
	return NULL;
}
