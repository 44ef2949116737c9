/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The refusals: which file is named, and what would help. And the host's time stamp counter, which must be
 * measured steadily. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hyperv/vmm/vmm.h"

#define THIS "/proc/self/exe" /* a file that can be read and executed wherever the test runs */

static const struct {
	struct vm_spec spec;
	int code;
	const char *message; /* NULL = can run */
} cases[] = {
	{{.accel = VMM_ACCEL_TCG, .binary = THIS, .kernel = THIS, .initrd = THIS}, 0, NULL},
	{{.accel = VMM_ACCEL_TCG, .binary = THIS, .kernel = THIS, .initrd = THIS, .virtiofs = true, .virtiofsd = THIS}, 0, NULL},
	{{.accel = VMM_ACCEL_TCG, .binary = THIS, .kernel = THIS, .initrd = THIS, .virtiofsd = "/nonexistent/virtiofsd"}, 0, NULL},
	{{.accel = VMM_ACCEL_TCG, .binary = THIS, .kernel = THIS, .initrd = THIS, .virtiofs = true, .virtiofsd = "/nonexistent/virtiofsd"},
	 ENOENT,
	 "virtiofsd /nonexistent/virtiofsd (hyperv.virtiofsd_path): No such file or directory"},
	{{.accel = VMM_ACCEL_TCG, .binary = "/nonexistent/qemu", .kernel = THIS, .initrd = THIS},
	 ENOENT,
	 "VMM /nonexistent/qemu: No such file or directory"},
	{{.accel = VMM_ACCEL_TCG, .binary = "/proc/self/status", .kernel = THIS, .initrd = THIS},
	 EACCES,
	 "VMM /proc/self/status: Permission denied"},
	{{.accel = VMM_ACCEL_TCG, .binary = THIS, .kernel = "/nonexistent/vmlinux", .initrd = THIS},
	 ENOENT,
	 "guest kernel /nonexistent/vmlinux: No such file or directory (\"make guest\" makes one)"},
	{{.accel = VMM_ACCEL_TCG, .binary = THIS, .kernel = THIS, .initrd = "/nonexistent/initramfs.img"},
	 ENOENT,
	 "guest initramfs /nonexistent/initramfs.img: No such file or directory (\"make guest\" makes one)"},
	{{.accel = VMM_ACCEL_TCG, .binary = THIS, .initrd = THIS},
	 EINVAL,
	 "guest kernel: none is given (\"make guest\" makes one)"},
};

static void test_probe(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error err = {0};
		int r = vmm_probe(&vmm_qemu, &cases[i].spec, &err);

		assert_int_equal(r, -cases[i].code);
		if (cases[i].message)
			assert_string_equal(err.msg, cases[i].message);
	}
}

/* With or without KVM here: the answer is the same twice, and a refusal says how to allow emulation. */
static void test_kvm(void **state)
{
	struct vm_spec spec = {.accel = VMM_ACCEL_KVM, .binary = THIS, .kernel = THIS, .initrd = THIS};
	struct error err = {0}, again = {0};
	int r = vmm_probe_kvm(&err);

	(void)state;
	assert_int_equal(vmm_probe(&vmm_qemu, &spec, &again), r);
	assert_string_equal(err.msg, again.msg);
	if (r < 0) {
		assert_ptr_equal(strstr(err.msg, "KVM cannot be used: "), err.msg);
		assert_non_null(strstr(err.msg, "--vm-accel tcg"));
	}
}

static void test_find(void **state)
{
	struct error err = {0};

	(void)state;
	assert_ptr_equal(vmm_find(NULL, &err), &vmm_qemu);
	assert_ptr_equal(vmm_find("qemu", &err), &vmm_qemu);
	assert_null(vmm_find("qem", &err));
	assert_string_equal(err.msg, "VMM \"qem\" is not known (valid: qemu)");
}

static void test_accel_names(void **state)
{
	(void)state;
	for (int a = 0; a < _VMM_ACCEL_MAX; a++)
		assert_int_equal(vmm_accel_from_string(vmm_accel_to_string((enum vmm_accel)a)), a);
	assert_int_equal(vmm_accel_from_string("KVM"), _VMM_ACCEL_INVALID);
	assert_int_equal(vmm_accel_from_string(""), _VMM_ACCEL_INVALID);
}

static void test_tsc(void **state)
{
	unsigned first = vmm_tsc_khz(), second = vmm_tsc_khz();

	(void)state;
	assert_true(labs((long)first - (long)second) <= first / 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_probe),       cmocka_unit_test(test_kvm), cmocka_unit_test(test_find),
		cmocka_unit_test(test_accel_names), cmocka_unit_test(test_tsc),
	};

	return cmocka_run_group_tests_name("vmm_probe", tests, NULL, NULL);
}
