/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a VMM may have on the host: its label, and whether it may set capabilities of files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ocispec/types.h>

#include "base/mem.h"
#include "container/settings.h"
#include "hyperv/jail.h"

static void test_label(_unused_ void **state)
{
	static const struct {
		const char *container, *vmm;
	} cases[] = {
		{ "system_u:system_r:container_t:s0:c1,c2", "system_u:system_r:container_kvm_t:s0:c1,c2" },
		{ "system_u:system_r:container_init_t:s0", "system_u:system_r:container_init_kvm_t:s0" },
		{ "system_u:system_r:container_t", "system_u:system_r:container_kvm_t" },
		{ "system_u:system_r:container_kvm_t:s0", "system_u:system_r:container_kvm_t:s0" },
		{ "system_u:system_r:spc_t:s0", "system_u:system_r:spc_t:s0" },
		{ "system_u:system_r:container_t_x:s0", "system_u:system_r:container_t_x:s0" },
		{ "container_t", "container_t" },
		{ "", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *label = jail_vmm_label(cases[i].container);

		assert_string_equal(label, cases[i].vmm);
	}
}

static void test_derive(_unused_ void **state)
{
	char *with[] = { (char *)"CAP_CHOWN", (char *)"CAP_SETFCAP" }, *files[] = { (char *)"/opt/vmm" };
	struct oci_capabilities caps = { .bounding = with, .n_bounding = 2 };
	struct oci_process process = { .capabilities = &caps };
	const struct oci_config config = { .process = &process };
	const struct settings_hyperv settings = { .vmm_files = files, .n_vmm_files = 1 };
	struct error err;
	struct jail j;

	assert_int_equal(jail_derive(&config, &settings, &j, &err), 0);
	assert_true(j.file_capabilities);
	assert_null(j.label);
	assert_int_equal(j.n_files, 1);
	jail_done(&j);

	/* effective without bounding is nothing that the container could use */
	caps = (struct oci_capabilities){ .effective = with, .n_effective = 2, .bounding = with, .n_bounding = 1 };
	assert_int_equal(jail_derive(&config, &settings, &j, &err), 0);
	assert_false(j.file_capabilities);
	jail_done(&j);

	assert_int_equal(jail_derive(NULL, &settings, &j, &err), 0);
	assert_false(j.file_capabilities);
	jail_done(&j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_label),
		cmocka_unit_test(test_derive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
