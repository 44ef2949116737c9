/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * linux.resources to file writes: every tests/golden/cgroup_v2/<name>.json on a machine with all controllers
 * in v2 (<name>.v2), on one with all in v1 (<name>.v1); a few on machines that lack some.
 */
#include <ocispec/doc.h>
#include <ocispec/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "golden.h"
#include "linux/cgroup/convert.h"
#include "linux/cgroup/resources.h"

static const struct cgroup_controllers all_v2 = {
	.of = {[CGROUP_V2] = "cpuset,cpu,io,memory,hugetlb,pids,rdma"}};
static const struct cgroup_controllers all_v1 = {
	.of = {[CGROUP_V1] = "cpuset,cpu,cpuacct,blkio,memory,devices,freezer,net_cls,perf_event,net_prio,"
			     "hugetlb,pids,rdma"},
};

/* "memory.max: 67108864 (linux.resources.memory.limit)", or "error: ..." */
static char *plan_text(const char *json, size_t len, const struct cgroup_controllers *have)
{
	_cleanup_cgroup_writes_ struct cgroup_writes writes = {0};
	_cleanup_(oci_doc_freep) struct oci_doc *doc = NULL;
	struct buf b = {0};
	struct oci_error oci_err;
	struct error err;

	if (oci_parse(&oci_resources_type, json, len, NULL, &doc, &oci_err) < 0)
		fail_msg("%s", oci_err.msg);
	if (cgroup_resources_plan(oci_doc_root(doc), have, &writes, &err) < 0) {
		buf_printf(&b, "error: %s\n", err.msg);
		assert_int_equal(writes.n, 0);
	}
	for (size_t i = 0; i < writes.n; i++) {
		const struct cgroup_write *w = &writes.w[i];

		buf_printf(&b, "%s: %s (%s)%s%s%s\n", w->file, w->value, w->field,
			   w->flags & CGROUP_WRITE_IF_EXISTS ? " if there" : "",
			   w->flags & CGROUP_WRITE_ELSE_NEXT ? " else the next" : "",
			   w->flags & CGROUP_WRITE_SWAP_NEXT ? " after the next if refused" : "");
	}
	return buf_take(&b);
}

static void test_golden(void **state)
{
	_cleanup_strv_ char **names = golden_list("cgroup_v2", ".json");

	(void)state;
	for (char **name = names; *name; name++) {
		_cleanup_free_ char *json_name = xasprintf("cgroup_v2/%s.json", *name),
				    *v1_name = xasprintf("cgroup_v2/%s.v1", *name),
				    *v2_name = xasprintf("cgroup_v2/%s.v2", *name);
		size_t len;
		_cleanup_free_ char *json = golden_read(json_name, &len);
		_cleanup_free_ char *v1 = plan_text(json, len, &all_v1), *v2 = plan_text(json, len, &all_v2);

		golden_compare(v1_name, v1);
		golden_compare(v2_name, v2);
	}
}

/* Controllers that are partly here and partly there, or nowhere. */
static void test_layouts(void **state)
{
	static const char json[] = "{\"memory\": {\"limit\": 4096}, \"hugepageLimits\": [{\"pageSize\": "
				   "\"2MB\", \"limit\": 0}]}";
	static const struct {
		struct cgroup_controllers have;
		const char *wanted;
	} cases[] = {
		{{{"memory", "hugetlb"}},
		 "memory.limit_in_bytes: 4096 (linux.resources.memory.limit)\n"
		 "hugetlb.2MB.rsvd.max: 0 (linux.resources.hugepageLimits[0]) if there\n"
		 "hugetlb.2MB.max: 0 (linux.resources.hugepageLimits[0])\n"},
		{{{"cpu,pids", ""}},
		 "error: linux.resources.memory.limit: this machine has no cgroup controller \"memory\"\n"},
		{{{NULL, "memory"}},
		 "error: linux.resources.hugepageLimits[0]: this machine has no cgroup controller "
		 "\"hugetlb\"\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = plan_text(json, strlen(json), &cases[i].have);

		assert_string_equal(text, cases[i].wanted);
	}
}

static void test_nothing(void **state)
{
	struct cgroup_writes writes = {.n = 1};
	struct error err;

	(void)state;
	assert_int_equal(cgroup_resources_plan(NULL, &(struct cgroup_controllers){0}, &writes, &err), 0);
	assert_int_equal(writes.n, 0);
}

/* The fixed points of the curve, and that it rises. */
static void test_weights(void **state)
{
	static const struct {
		uint64_t shares, weight;
	} points[] = {{0, 1},      {2, 1},      {3, 2},          {512, 59},
		      {1024, 100}, {2048, 174}, {262144, 10000}, {UINT64_MAX, 10000}};
	uint64_t last = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(points); i++)
		if (cgroup_shares_to_weight(points[i].shares) != points[i].weight)
			fail_msg("%llu -> %llu", (unsigned long long)points[i].shares,
				 (unsigned long long)cgroup_shares_to_weight(points[i].shares));
	for (uint64_t s = 2; s <= 262144; s++) {
		uint64_t w = cgroup_shares_to_weight(s);

		assert_true(w >= last && w <= 10000);
		last = w;
	}
	assert_int_equal(cgroup_blkio_to_io_weight(0), 1);
	assert_int_equal(cgroup_blkio_to_io_weight(10), 1);
	assert_int_equal(cgroup_blkio_to_io_weight(1000), 10000);
	assert_int_equal(cgroup_blkio_to_io_weight(2000), 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_layouts),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_weights),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
