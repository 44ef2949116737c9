/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a user's machine divides the ids of config.json: root of its user namespace is the user, the granted ones are behind that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ocispec/types.h>

#include "hyperv/userns.h"

enum { OWN = 1000, MAPS_MAX = 4 };

static void same_maps(const struct id_map *have, size_t n, const struct id_map *want)
{
	size_t i = 0;

	for (; i < MAPS_MAX && want[i].count > 0; i++) {
		assert_true(i < n);
		assert_int_equal(have[i].inside, want[i].inside);
		assert_int_equal(have[i].outside, want[i].outside);
		assert_int_equal(have[i].count, want[i].count);
	}
	assert_int_equal(n, i);
}

static void test_divide(_unused_ void **state)
{
	static const struct {
		struct oci_id_mapping maps[MAPS_MAX];
		size_t n;
		struct id_map worker[MAPS_MAX], guest[MAPS_MAX];
	} cases[] = {
		/* none: the container's ids are the guest's own */
		{ .worker = { { 0, OWN, 1 } } },
		/* root of the container is the user */
		{ .n = 1, .maps = { { .container_id = 0, .host_id = OWN, .size = 1 } }, .worker = { { 0, OWN, 1 } }, .guest = { { 0, 0, 1 } } },
		{ .n = 2,
		  .maps = { { .container_id = 0, .host_id = OWN, .size = 1 }, { .container_id = 1, .host_id = 100000, .size = 65536 } },
		  .worker = { { 0, OWN, 1 }, { 1, 100000, 65536 } },
		  .guest = { { 0, 0, 1 }, { 1, 1, 65536 } } },
		/* it is somebody else: the user need not be mapped, and is root all the same */
		{ .n = 1, .maps = { { .container_id = 0, .host_id = 100000, .size = 10 } }, .worker = { { 0, OWN, 1 }, { 1, 100000, 10 } },
		  .guest = { { 0, 1, 10 } } },
		/* the user is amid a range: at its ends, and inside */
		{ .n = 1, .maps = { { .container_id = 0, .host_id = 990, .size = 20 } },
		  .worker = { { 0, OWN, 1 }, { 1, 990, 10 }, { 11, 1001, 9 } },
		  .guest = { { 0, 1, 10 }, { 10, 0, 1 }, { 11, 11, 9 } } },
		{ .n = 1, .maps = { { .container_id = 5, .host_id = OWN, .size = 3 } }, .worker = { { 0, OWN, 1 }, { 1, 1001, 2 } },
		  .guest = { { 5, 0, 1 }, { 6, 1, 2 } } },
		{ .n = 1, .maps = { { .container_id = 5, .host_id = 998, .size = 3 } }, .worker = { { 0, OWN, 1 }, { 1, 998, 2 } },
		  .guest = { { 5, 1, 2 }, { 7, 0, 1 } } },
		/* a range that ends just before it */
		{ .n = 1, .maps = { { .container_id = 0, .host_id = 998, .size = 2 } }, .worker = { { 0, OWN, 1 }, { 1, 998, 2 } },
		  .guest = { { 0, 1, 2 } } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct machine_ids ids;

		machine_ids_divide(cases[i].maps, cases[i].n, OWN, &ids);
		same_maps(ids.worker, ids.n_worker, cases[i].worker);
		same_maps(ids.guest, ids.n_guest, cases[i].guest);
		machine_ids_done(&ids);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_divide),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
