/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mount option "idmap=" as mappings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "container/idmap_option.h"

/* The container's own: 0 -> 0, 1 ... 1000 -> 2 ..., and for groups 0 ... 9 -> 100 ... */
static struct id_map uids[] = { { 0, 0, 1 }, { 1, 2, 1000 } }, gids[] = { { 0, 100, 10 } };
static const struct userns_maps mapped = { .uids = uids, .gids = gids, .n_uids = 2, .n_gids = 1 };

static const struct {
	const char *text, *expected; /* "u... g..." of the maps, or what the message has */
	bool ok;
} rows[] = {
	{ "uids=0-1-10;gids=0-100-10", "u(0 1 10) g(0 100 10)", true },
	{ "gids=5-6-7;uids=0-1-10#10-11-20", "u(0 1 10) u(10 11 20) g(5 6 7)", true },
	{ "uids=@1-3-10;gids=@0-9-1#20-30-1", "u(1 4 10) g(0 109 1) g(20 30 1)", true },
	{ "uids=@1-0-1;gids=0-0-1", "u(1 0 1) g(0 0 1)", true },
	{ "uids=0-0-1;uids=5-6-1;gids=0-0-1", "u(0 0 1) u(5 6 1) g(0 0 1)", true },
	{ "uids=4294967294-0-1;gids=0-0-4294967295", "u(4294967294 0 1) g(0 0 4294967295)", true },
	{ "", "is not uids= or gids=", false },
	{ "uids=0-1-10", "both needed", false },
	{ "uids=;gids=0-0-1", "is not FIRST-MAPPED-COUNT", false },
	{ "uids=0-1;gids=0-0-1", "\"0-1\" is not FIRST-MAPPED-COUNT", false },
	{ "uids=0-1-2-3;gids=0-0-1", "is not FIRST-MAPPED-COUNT", false },
	{ "uids=0-1-0;gids=0-0-1", "is not FIRST-MAPPED-COUNT", false },
	{ "uids=-1-1-1;gids=0-0-1", "is not FIRST-MAPPED-COUNT", false },
	{ "uids=4294967295-0-1;gids=0-0-1", "is not FIRST-MAPPED-COUNT", false },
	{ "uids=0-4294967000-1000;gids=0-0-1", "is not FIRST-MAPPED-COUNT", false },
	{ "uids=99999999999999999999-0-1;gids=0-0-1", "is not FIRST-MAPPED-COUNT", false },
	{ "uids=0-0-1#;gids=0-0-1", "\"\" is not FIRST-MAPPED-COUNT", false },
	{ "uids=@0-0-2;gids=0-0-1", "not in one range of linux.uidMappings", false },
	{ "uids=0-0-1;gids=@0-5-6", "not in one range of linux.gidMappings", false },
	{ "pids=0-0-1", "\"pids=0-0-1\" is not uids= or gids=", false },
};

static void print(char letter, const struct id_map *maps, size_t n, char *buf, size_t size)
{
	for (size_t i = 0; i < n; i++)
		snprintf(buf + strlen(buf), size - strlen(buf), "%s%c(%u %u %u)", buf[0] ? " " : "", letter, maps[i].inside,
			 maps[i].outside, maps[i].count);
}

static void test_table(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct userns_maps m = { 0 };
		struct error err = { 0 };
		char said[256] = "";
		int r = idmap_option_parse(rows[i].text, &mapped, &m, &err);

		print('u', m.uids, m.n_uids, said, sizeof(said));
		print('g', m.gids, m.n_gids, said, sizeof(said));
		if (rows[i].ok && r == 0)
			assert_string_equal(said, rows[i].expected);
		else if (rows[i].ok || r == 0 || !strstr(err.msg, rows[i].expected))
			fail_msg("\"%s\": %s%s", rows[i].text, said, err.msg);
		free((void *)m.uids);
		free((void *)m.gids);
	}
}

static void test_without_user_namespace(void **state _unused_)
{
	const struct userns_maps none = { 0 };
	struct userns_maps m;
	struct error err;

	assert_true(idmap_option_parse("uids=@0-0-1;gids=0-0-1", &none, &m, &err) < 0);
	assert_non_null(strstr(err.msg, "linux.uidMappings of a new user namespace"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_without_user_namespace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
