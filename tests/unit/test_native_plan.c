/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* config.json to plan: every tests/golden/plan/<name>.json, parsed as it is, and the plan's text or the error
 * in <name>.txt. */
#include <ocispec/doc.h>
#include <ocispec/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "container/bundle.h"
#include "golden.h"
#include "native/plan.h"

/* The machine of the tests: all capabilities up to CAP_CHECKPOINT_RESTORE. */
static const struct plan_facts facts = { .id = "web",
					 .grantable = (UINT64_C(1) << 41) - 1,
					 .seccomp_cache_fd = -1,
					 .state_dirfd = -1 };

static char *plan_text(const char *json, size_t len)
{
	_cleanup_(oci_doc_freep) struct oci_doc *doc = NULL;
	_cleanup_native_plan_ struct native_plan *p = NULL;
	struct bundle b = { .path = (char *)"/bundle", .rootfs = (char *)"/bundle/rootfs", .dirfd = -1 };
	struct buf out = { 0 };
	struct oci_error oci_err;
	struct error err;

	if (oci_parse(&oci_config_type, json, len, NULL, &doc, &oci_err) < 0)
		fail_msg("%s", oci_err.msg);
	b.config = oci_doc_root(doc);
	if (native_plan_new(&b, &facts, &p, &err) < 0) {
		buf_printf(&out, "error: %s\n", err.msg);
		assert_null(p);
	} else {
		native_plan_print(p, &out);
	}
	return buf_take(&out);
}

static void test_golden(void **state _unused_)
{
	_cleanup_strv_ char **names = golden_list("plan", ".json");

	for (char **name = names; *name; name++) {
		_cleanup_free_ char *in = xasprintf("plan/%s.json", *name);
		_cleanup_free_ char *out = xasprintf("plan/%s.txt", *name);
		_cleanup_free_ char *json = NULL, *text = NULL;
		size_t len;

		json = golden_read(in, &len);
		text = plan_text(json, len);
		golden_compare(out, text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_golden) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
