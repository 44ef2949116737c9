/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* base/path.h, base/str.h, base/buf.h: text without a file system. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"

/* Compares and frees. */
static void assert_text(char *got, const char *want)
{
	assert_string_equal(got, want);
	free(got);
}

static void test_normalize(void **state)
{
	static const char *const cases[][2] = {
		{ "", "." },
		{ ".", "." },
		{ "/", "/" },
		{ "//", "/" },
		{ "/a//b/", "/a/b" },
		{ "/a/./b", "/a/b" },
		{ "/a/../b", "/b" },
		{ "/..", "/" },
		{ "/../../a", "/a" },
		{ "a/..", "." },
		{ "..", ".." },
		{ "a/../..", ".." },
		{ "../../a", "../../a" },
		{ "../a/../b", "../b" },
		{ "/a/b/../../..", "/" },
		{ "a/b/c/..", "a/b" },
		{ "...", "..." },
		{ "/a/..b", "/a/..b" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_text(path_normalize(cases[i][0]), cases[i][1]);
}

static void test_join(void **state)
{
	static const char *const cases[][3] = {
		{ "/a", "b", "/a/b" }, { "/a/", "b", "/a/b" }, { "/", "b", "/b" },  { "/a", "/b", "/b" },
		{ "/a", ".", "/a" },   { "/a", "", "/a" },     { ".", "b", "./b" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_text(path_join(cases[i][0], cases[i][1]), cases[i][2]);
}

static void test_path_parts(void **state)
{
	(void)state;
	assert_true(path_is_name("a"));
	assert_true(path_is_name("..a"));
	assert_false(path_is_name(""));
	assert_false(path_is_name(NULL));
	assert_false(path_is_name("."));
	assert_false(path_is_name(".."));
	assert_false(path_is_name("a/b"));
	assert_true(path_has_dotdot("/a/../b"));
	assert_true(path_has_dotdot(".."));
	assert_false(path_has_dotdot("/a/..b/c.."));
	assert_true(path_is_below("/a/b", "/a"));
	assert_true(path_is_below("/a", "/a"));
	assert_true(path_is_below("/a", "/"));
	assert_false(path_is_below("/ab", "/a"));
	assert_string_equal(path_basename("/a/b"), "b");
	assert_string_equal(path_basename("b"), "b");
	assert_text(path_dirname("/a/b"), "/a");
	assert_text(path_dirname("/a"), "/");
	assert_text(path_dirname("a"), ".");
}

static void test_base64(void **state)
{
	static const char *const good[][2] = { { "", "" }, { "Zg==", "f" }, { "Zm8=", "fo" }, { "Zm9v", "foo" }, { "Zm9vYg==", "foob" }, { "+/+/", "\xfb\xff\xbf" } };
	static const char *const bad[] = { "Zg", "Zg=", "Z===", "====", "=", "Zg==Zg==", "Zm9v\n", " Zm9v", "Zm-_", "Zh==", "Zm9=", "Zg=v", "Zm 9" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		unsigned char *data = NULL;
		char *text;
		size_t len;

		assert_int_equal(base64_decode(good[i][0], &data, &len), 0);
		assert_int_equal(len, strlen(good[i][1]));
		assert_memory_equal(data, good[i][1], len);
		free(data);
		text = base64_encode(good[i][1], len);
		assert_string_equal(text, good[i][0]);
		free(text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		unsigned char *data = NULL;
		size_t len;

		if (base64_decode(bad[i], &data, &len) != -EINVAL)
			fail_msg("\"%s\" was taken", bad[i]);
		assert_null(data);
	}
}

static void test_strings(void **state)
{
	static const char *const table[] = { "a", NULL, "b" };
	static char *const env[] = { (char *)"PATHS=x", (char *)"PATH=/bin", (char *)"PATH=/sbin", NULL };
	char **v = str_split("a::b", ':');

	(void)state;
	assert_true(str_eq(NULL, NULL));
	assert_false(str_eq("", NULL));
	assert_true(str_eq_nocase("HyperV", "hYPERv"));
	assert_false(str_eq_nocase("HyperV", "Hyper"));
	assert_false(str_eq_nocase("@", "`"));
	assert_int_equal(str_index(table, ARRAY_SIZE(table), "b"), 2);
	assert_int_equal(str_index(table, ARRAY_SIZE(table), "c"), -1);
	assert_int_equal(strv_length(v), 3);
	assert_string_equal(v[1], "");
	strv_append(&v, "c");
	assert_true(strv_contains(v, "c"));
	assert_text(str_join(v, ","), "a,,b,c");
	strv_free(v);
	assert_text(str_join(NULL, ","), "");
	assert_string_equal(strv_env_get(env, "PATH"), "/bin");
	assert_null(strv_env_get(env, "PAT"));
	assert_null(strv_env_get(NULL, "PATH"));
}

static void test_json(void **state)
{
	static const struct {
		const char *text, *json;
	} cases[] = {
		{ "", "\"\"" },
		{ "a\"b\\c", "\"a\\\"b\\\\c\"" },
		{ "\n\t\x01\x7f", "\"\\n\\t\\u0001\x7f\"" },
		{ "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"" },
		{ "\xff", "\"\xef\xbf\xbd\"" },
		{ "\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },                 /* overlong */
		{ "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" }, /* surrogate */
		{ "\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },                 /* cut off */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf b = { 0 };

		buf_append_json(&b, cases[i].text);
		assert_string_equal(b.data, cases[i].json);
		buf_done(&b);
	}
}

static void test_buf(void **state)
{
	struct buf b = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		buf_printf(&b, "%04d", i);
	assert_int_equal(b.len, 4000);
	assert_memory_equal(b.data + 3996, "0999", 5);
	buf_consume(&b, 3996);
	assert_string_equal(b.data, "0999");
	buf_consume(&b, 100);
	assert_int_equal(b.len, 0);
	assert_text(buf_take(&b), "");
	assert_text(buf_take(&b), "");
	buf_append(&b, NULL, 0);
	assert_text(buf_take(&b), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_normalize),  cmocka_unit_test(test_join),
		cmocka_unit_test(test_path_parts), cmocka_unit_test(test_strings), cmocka_unit_test(test_base64),
		cmocka_unit_test(test_json),       cmocka_unit_test(test_buf),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
