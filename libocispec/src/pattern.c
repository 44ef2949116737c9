/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The matcher for "pattern" of the schemas. Small on purpose: regcomp(3) at each use would cost more than the
 * rest of the parsing, and depends on the locale.
 */
#include "pattern.h"

static char escaped(char c)
{
	return c == 'n' ? '\n' : c == 't' ? '\t' : c;
}

/* Length of the atom at p: a character, an escaped one, or a class. */
static size_t atom_length(const char *p)
{
	if (*p == '\\')
		return 2;
	if (*p != '[')
		return 1;
	size_t n = p[1] == '^' ? 2 : 1;
	while (p[n] != ']')
		n += p[n] == '\\' ? 2 : 1;
	return n + 1;
}

/* Ranges are of ASCII characters: other bytes are in no range, whether char has a sign or not. */
static bool class_matches(const char *p, char c)
{
	bool negated = p[1] == '^', found = false;
	for (p += negated ? 2 : 1; *p != ']'; p++) {
		char low = *p == '\\' ? escaped(*++p) : *p;
		char high = low;
		if (p[1] == '-' && p[2] != ']') {
			p += 2;
			high = *p == '\\' ? escaped(*++p) : *p;
		}
		found = found || (c >= low && c <= high);
	}
	return found != negated;
}

static bool atom_matches(const char *p, char c)
{
	if (*p == '[')
		return class_matches(p, c);
	return *p == '.' || c == (*p == '\\' ? escaped(p[1]) : *p);
}

static bool matches_here(const char *p, const char *s, const char *end)
{
	while (*p != '\0' && *p != '|') {
		if (*p == '$')
			return s == end;
		size_t n = atom_length(p);
		char times = p[n];
		if (times == '*' || times == '+' || times == '?') {
			const char *least = times == '+' ? s + 1 : s, *t = s;
			while (t < end && (times != '?' || t == s) && atom_matches(p, *t))
				t++;
			for (; t >= least; t--)
				if (matches_here(p + n + 1, t, end))
					return true;
			return false;
		}
		if (s == end || !atom_matches(p, *s))
			return false;
		p += n;
		s++;
	}
	return true;
}

bool oci_pattern_match(const char *pattern, const char *s, size_t len)
{
	for (const char *p = pattern; *p != '\0';) {
		if (matches_here(p + 1, s, s + len)) /* p is at the ^ */
			return true;
		while (*p != '\0' && *p != '|')
			p += atom_length(p);
		p += *p == '|';
	}
	return false;
}
