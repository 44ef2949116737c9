/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What messages are made of: paths and quoted values; and the matcher of patterns. */
#include "test.h"

#include "../../src/path.h"
#include "../../src/pattern.h"
#include "../../src/utf8.h"

static void test_path(void **state)
{
	(void)state;
	struct oci_path p = { 0 };
	oci_path_member(&p, "linux", 5);
	oci_path_member(&p, "namespacesXXX", 10);
	size_t len = p.len;
	oci_path_index(&p, 12);
	oci_path_member(&p, "type", 4);
	assert_string_equal(p.text, "linux.namespaces[12].type");
	oci_path_cut(&p, len);
	oci_path_key(&p, "a.b", 3);
	assert_string_equal(p.text, "linux.namespaces[\"a.b\"]");
}

static void test_path_is_bounded(void **state)
{
	(void)state;
	struct oci_path p = { 0 };
	for (int i = 0; i < 100; i++)
		oci_path_member(&p, "a-rather-long-name-of-a-member", 30);
	assert_int_equal(p.len, sizeof(p.text) - 1);
	assert_int_equal(strlen(p.text), p.len);
}

static void test_quote(void **state)
{
	(void)state;
	static const struct {
		const char *in;
		const char *out;
	} cases[] = {
		{ "", "" },
		{ "plain", "plain" },
		{ "a\nb\x1b[0m\x7f", "a\\x0ab\\x1b[0m\\x7f" },
		{ "\xc3\xa9", "\xc3\xa9" },
		{ "\xc2\x9b", "\\xc2\\x9b" },
		{ "1234567890123456789012345678901234567890123456789012345678901234",
		  "1234567890123456789012345678901234567890123456789012345678901234" },
		{ "12345678901234567890123456789012345678901234567890123456789012345",
		  "1234567890123456789012345678901234567890123456789012345678901234..." },
		{ "12345678901234567890123456789012345678901234567890123456789012\xe2\x82\xac",
		  "12345678901234567890123456789012345678901234567890123456789012..." },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct oci_quoted q;
		assert_string_equal(oci_quote(&q, cases[i].in, strlen(cases[i].in)), cases[i].out);
	}
	struct oci_quoted q;
	char controls[100];
	memset(controls, 1, sizeof(controls));
	assert_int_equal(strlen(oci_quote(&q, controls, sizeof(controls))), 64 * 4 + 3);
}

static void test_pattern(void **state)
{
	(void)state;
	static const struct {
		const char *pattern;
		const char *yes[4];
		const char *no[4];
	} cases[] = {
		{ "^.", { "a", " " }, { "" } },
		{ "^/", { "/", "/a" }, { "", "a/", " /" } },
		{ "^[rwm]*$", { "", "r", "mwr" }, { "x", "rx", "r " } },
		{ "^[1-9][0-9]*[KMG]B$", { "2MB", "64KB", "1024GB" }, { "64kB", "0MB", "MB", "2MBs" } },
		{ "^[0-9]+\\.[0-9]+$|^v[0-9]?$",
		  { "1.3", "10.22", "v", "v1" },
		  { "1.", ".3", "v12", "1.3x" } },
		{ "^[^\\n]+$", { "a", "a b" }, { "", "a\n", "\n" } },
		{ "^[a\\]-]b?c$", { "ac", "]bc", "-c" }, { "bc", "abbc", "\\c" } },
		{ "^a*ab*b$", { "ab", "aaabbb" }, { "a", "b", "aba" } },
		{ "^[0-9, -]*$", { "", "0-3,7", "1, 2" }, { "a", "0-3;7" } },
		{ "^[a-c|]$|^x", { "|", "b", "xyz" }, { "d", "bb", "" } },
		{ "^a\\|b$", { "a|b" }, { "a", "b" } },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t k = 0; k < 4; k++) {
			const char *yes = cases[i].yes[k], *no = cases[i].no[k];
			if (yes && !oci_pattern_match(cases[i].pattern, yes, strlen(yes)))
				fail_msg("%s refuses \"%s\"", cases[i].pattern, yes);
			if (no && oci_pattern_match(cases[i].pattern, no, strlen(no)))
				fail_msg("%s accepts \"%s\"", cases[i].pattern, no);
		}
}

static void test_utf8(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t length;
	} cases[] = {
		{ "a", 1 },
		{ "\xc3\xa9", 2 },
		{ "\xe2\x82\xac", 3 },
		{ "\xed\x9f\xbf", 3 },
		{ "\xf0\x9f\x98\x80", 4 },
		{ "", 0 },
		{ "\x80", 0 },
		{ "\xc0\xaf", 0 },
		{ "\xc3", 0 },
		{ "\xe0\x9f\xbf", 0 },
		{ "\xe2\x82", 0 },
		{ "\xed\xa0\x80", 0 },
		{ "\xf0\x8f\xbf\xbf", 0 },
		{ "\xf4\x90\x80\x80", 0 },
		{ "\xf0\x9f\x98", 0 },
		{ "\xff", 0 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(oci_utf8_length(cases[i].text, strlen(cases[i].text)), cases[i].length);
}

static void test_text(void **state)
{
	(void)state;
	assert_null(oci_text_problem("", 0));
	assert_null(oci_text_problem("plain text of some length", 25));
	assert_null(oci_text_problem("12345678\xc3\xa9 12345678", 19));
	assert_string_equal(oci_text_problem("a\0b", 3), "contains a NUL character");
	assert_string_equal(oci_text_problem("1234567890\xc0\xaf", 12), "contains invalid UTF-8");
	assert_string_equal(oci_text_problem("1234567\xc3\xa9", 8), "contains invalid UTF-8");
	assert_string_equal(oci_text_problem("\xc3", 1), "contains invalid UTF-8");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path),  cmocka_unit_test(test_path_is_bounded),
		cmocka_unit_test(test_quote), cmocka_unit_test(test_pattern),
		cmocka_unit_test(test_utf8),  cmocka_unit_test(test_text),
	};
	return cmocka_run_group_tests_name("path", tests, NULL, NULL);
}
