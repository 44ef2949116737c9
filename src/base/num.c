/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Text to numbers, strictly. Parsers that take "1abc" for 1 or " -1" for 2^64-1 have been security bugs in
 * runtimes (CVE-2026-30892: `exec -u` of a bad number became uid 0), so nobody else in the tree parses a
 * number.
 */
#include "base/num.h"

#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "base/str.h"

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

/* Reads digits of a base up to 16; *end is the first byte after them. */
static int scan(const char *s, int base, uint64_t *ret, const char **end)
{
	uint64_t v = 0;
	int d = digit_value(*s);

	if (d >= base)
		return -EINVAL;
	for (; (d = digit_value(*s)) < base; s++)
		if (__builtin_mul_overflow(v, (uint64_t)base, &v) ||
		    __builtin_add_overflow(v, (uint64_t)d, &v))
			return -ERANGE;
	*ret = v;
	*end = s;
	return 0;
}

static int parse_base(const char *s, int base, uint64_t max, uint64_t *ret)
{
	const char *end;
	uint64_t v;
	int r;

	if (!s)
		return -EINVAL;
	r = scan(s, base, &v, &end);
	if (r == -ERANGE) /* "99999999999999999999x" is no number, not a big one */
		return strspn(s, "0123456789") == strlen(s) ? -ERANGE : -EINVAL;
	if (r < 0)
		return r;
	if (*end)
		return -EINVAL;
	if (v > max)
		return -ERANGE;
	*ret = v;
	return 0;
}

int num_parse_u64(const char *s, uint64_t *ret)
{
	return parse_base(s, 10, UINT64_MAX, ret);
}

int num_parse_i64(const char *s, int64_t *ret)
{
	bool negative = s && *s == '-';
	uint64_t v;
	int r = parse_base(negative ? s + 1 : s, 10, (uint64_t)INT64_MAX + negative, &v);

	if (r < 0)
		return r;
	*ret = negative ? (int64_t)(0 - v) : (int64_t)v;
	return 0;
}

int num_parse_u32(const char *s, uint32_t *ret)
{
	uint64_t v;
	int r = parse_base(s, 10, UINT32_MAX, &v);

	if (r < 0)
		return r;
	*ret = (uint32_t)v;
	return 0;
}

int num_parse_int(const char *s, int min, int max, int *ret)
{
	int64_t v;
	int r = num_parse_i64(s, &v);

	if (r < 0)
		return r;
	if (v < min || v > max)
		return -ERANGE;
	*ret = (int)v;
	return 0;
}

int num_parse_mode(const char *s, mode_t *ret)
{
	uint64_t v;
	int r = parse_base(s, 8, 07777, &v);

	if (r < 0)
		return r;
	*ret = (mode_t)v;
	return 0;
}

int num_parse_size(const char *s, uint64_t *ret)
{
	static const char units[] = "kmgtp";
	const char *end, *unit;
	uint64_t v;
	int r;

	if (!s)
		return -EINVAL;
	r = scan(s, 10, &v, &end);
	if (r < 0)
		return r;
	unit = *end ? strchr(units, *end | 0x20) : NULL;
	if (unit) {
		uint64_t factor = 1ULL << (10 * (unit - units + 1));

		end++;
		if (*end == 'i' || *end == 'I')
			end += end[1] == 'b' || end[1] == 'B' ? 1 : 0;
		if (__builtin_mul_overflow(v, factor, &v))
			return -ERANGE;
	}
	if (*end == 'b' || *end == 'B')
		end++;
	if (*end)
		return -EINVAL;
	*ret = v;
	return 0;
}

int num_parse_limit(const char *s, int64_t *ret)
{
	uint64_t v;
	int r;

	if (str_eq(s, "-1")) {
		*ret = -1;
		return 0;
	}
	r = num_parse_size(s, &v);
	if (r < 0)
		return r;
	if (v > INT64_MAX)
		return -ERANGE;
	*ret = (int64_t)v;
	return 0;
}

int num_parse_user(const char *s, uid_t *ret_uid, bool *ret_has_gid, gid_t *ret_gid)
{
	char uid_text[16] = "";
	const char *colon = s ? strchr(s, ':') : NULL;
	uint64_t uid, gid = 0;
	int r;

	if (!s)
		return -EINVAL;
	if (colon) {
		if ((size_t)(colon - s) >= sizeof(uid_text))
			return -EINVAL;
		memcpy(uid_text, s, (size_t)(colon - s));
		r = parse_base(colon + 1, 10, UINT32_MAX - 1, &gid);
		if (r < 0)
			return r;
	}
	r = parse_base(colon ? uid_text : s, 10, UINT32_MAX - 1, &uid);
	if (r < 0)
		return r;
	*ret_uid = (uid_t)uid;
	*ret_has_gid = colon;
	if (colon)
		*ret_gid = (gid_t)gid;
	return 0;
}

const char *num_scan_u64(const char *s, uint64_t *ret)
{
	const char *end;

	return scan(s, 10, ret, &end) < 0 ? NULL : end;
}

const char *num_scan_hex(const char *s, uint64_t *ret)
{
	const char *end;

	return scan(s, 16, ret, &end) < 0 ? NULL : end;
}
