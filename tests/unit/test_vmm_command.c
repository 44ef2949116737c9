/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vm_spec to QEMU's command line: every case below against tests/golden/vmm_args/<name>.txt, one word a line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "golden.h"
#include "hyperv/vmm/vmm.h"

#define MIB (UINT64_C(1) << 20)

/* What every case has; a case changes what it is about. */
#define BASE(qmp)                                                                                            \
	.name = "web", .memory = 256 * MIB, .vcpus = 1, .kernel = "/guest/vmlinux",                          \
	.initrd = "/guest/initramfs.img", .share = "/run/hvrun/web/share", .control_fd = 10,                 \
	.stream_fd = 11, .console_fd = 12, .qmp_fd = (qmp)

static char *const kernel_args[] = {(char *)"loglevel=8", (char *)"init_on_alloc=0", NULL};
static const int nic_fds[] = {14, 15};
static const struct vmm_disk disks[] = {{.fd = 16, .format = VMM_DISK_RAW},
					{.fd = 17, .format = VMM_DISK_QCOW2, .readonly = true},
					{.fd = 18, .format = VMM_DISK_RAW, .device = true},
					{.fd = 19, .format = VMM_DISK_RAW, .device = true, .unlocked = true}};
static char *const vmm_args[] = {(char *)"-d", (char *)"guest_errors", NULL};

static const struct {
	const char *name;
	struct vm_spec spec;
} cases[] = {
	{"microvm-kvm", {BASE(-1), .accel = VMM_ACCEL_KVM}},
	{"microvm-tcg", {BASE(-1), .accel = VMM_ACCEL_TCG, .tsc_khz = 2599998}},
	{"microvm-noacpi-tcg", {BASE(-1), .accel = VMM_ACCEL_TCG, .machine = "microvm-noacpi", .tsc_khz = 2599998}},
	{"microvm-noacpi-kvm", {BASE(-1), .accel = VMM_ACCEL_KVM, .machine = "microvm-noacpi"}},
	{"virt-tcg", {BASE(-1), .accel = VMM_ACCEL_TCG, .architecture = "arm64", .tsc_khz = 2599998}},
	{"virt-kvm", {BASE(-1), .accel = VMM_ACCEL_KVM, .architecture = "arm64", .machine = "virt"}},
	{"virt-tcg-template", {BASE(13), .accel = VMM_ACCEL_TCG, .architecture = "arm64", .start = VMM_START_TEMPLATE, .memory_fd = 14}},
	{"microvm-tcg-no-tsc", {BASE(-1), .accel = VMM_ACCEL_TCG}},
	{"microvm-kvm-tsc-is-not-told", {BASE(-1), .accel = VMM_ACCEL_KVM, .tsc_khz = 2599998}},
	{"microvm-kvm-words",
	 {BASE(-1), .accel = VMM_ACCEL_KVM, .kernel_args = kernel_args, .args = vmm_args}},
	{"microvm-kvm-bare",
	 {.name = "bare",
	  .accel = VMM_ACCEL_KVM,
	  .memory = 1,
	  .vcpus = 4,
	  .kernel = "/k",
	  .initrd = "/i",
	  .control_fd = -1,
	  .stream_fd = -1,
	  .console_fd = -1,
	  .qmp_fd = -1}},
	{"microvm-kvm-disks", {BASE(-1), .accel = VMM_ACCEL_KVM, .disks = disks, .n_disks = ARRAY_SIZE(disks), .storage = true,
	  .has_root = true, .root = 1}},
	{"microvm-tcg-disks-template",
	 {BASE(13), .accel = VMM_ACCEL_TCG, .n_disks = 2, .storage = true, .start = VMM_START_TEMPLATE, .memory_fd = 19}},
	{"microvm-tcg-spares-template",
	 {BASE(13), .accel = VMM_ACCEL_TCG, .n_disks = 1, .n_spares = {2, 1}, .storage = true, .start = VMM_START_TEMPLATE, .memory_fd = 19}},
	{"microvm-tcg-spares-clone",
	 {BASE(13), .accel = VMM_ACCEL_TCG, .disks = disks, .n_disks = 1, .n_spares = {2, 1}, .storage = true, .start = VMM_START_CLONE, .memory_fd = 19}},
	{"microvm-kvm-nics", {BASE(-1), .accel = VMM_ACCEL_KVM, .nic_fds = nic_fds, .n_nics = ARRAY_SIZE(nic_fds)}},
	{"microvm-tcg-virtiofs", {BASE(-1), .accel = VMM_ACCEL_TCG, .tsc_khz = 2599998, .virtiofs = true, .share_fd = 14}},
	{"microvm-kvm-qmp", {BASE(13), .accel = VMM_ACCEL_KVM}},
	{"microvm-tcg-template",
	 {BASE(13), .accel = VMM_ACCEL_TCG, .tsc_khz = 2599998, .start = VMM_START_TEMPLATE, .memory_fd = 14}},
	{"microvm-tcg-clone", {BASE(13), .accel = VMM_ACCEL_TCG, .start = VMM_START_CLONE, .memory_fd = 14}},
	{"microvm-kvm-clone", {BASE(13), .accel = VMM_ACCEL_KVM, .start = VMM_START_CLONE, .memory_fd = 14}},
	{"microvm-kvm-commas",
	 {.name = "a,debug-threads=on",
	  .accel = VMM_ACCEL_KVM,
	  .memory = 256 * MIB + 1,
	  .vcpus = 1,
	  .kernel = "/k,x",
	  .initrd = "/i,x",
	  .share = "/s,readonly=off,,x",
	  .control_fd = 10,
	  .stream_fd = 11,
	  .console_fd = -1,
	  .qmp_fd = -1}},
};

/* The share and virtio-serial are always there. */
static void test_room(void **state)
{
	struct vm_spec spec = {BASE(13), .n_nics = 1, .n_disks = 1, .n_spares = {1, 0}};

	(void)state;
	assert_int_equal(vmm_room(&vmm_qemu, &spec), 24 - 5);
	spec.machine = "microvm-noacpi";
	assert_int_equal(vmm_room(&vmm_qemu, &spec), 8 - 5);
	spec.n_nics = 8;
	assert_int_equal(vmm_room(&vmm_qemu, &spec), 0);
	spec.machine = "no such";
	assert_int_equal(vmm_room(&vmm_qemu, &spec), 0);
}

static void test_golden(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_strv_ char **argv = vmm_qemu.command(&cases[i].spec, "/usr/bin/qemu-system-x86_64");
		_cleanup_free_ char *words = str_join(argv, "\n"), *text = xasprintf("%s\n", words);
		_cleanup_free_ char *file = xasprintf("vmm_args/%s.txt", cases[i].name);

		golden_compare(file, text);
	}
}

/* virtiofsd's own: nothing of what is shared is decided by anything but the directory. */
static void test_virtiofsd(void **state)
{
	(void)state;
	for (int caps = 0; caps < 2; caps++) {
		const struct virtiofsd v = {
			.binary = "/usr/lib/qemu/virtiofsd", .dir = "/share", .listen_fd = 10, .file_capabilities = caps, .timeout = caps ? 60 : 0,
		};
		_cleanup_strv_ char **argv = vmm_virtiofsd_command(&v);
		_cleanup_free_ char *words = str_join(argv, "\n"), *text = xasprintf("%s\n", words);

		golden_compare(caps ? "vmm_args/virtiofsd-file-capabilities.txt" : "vmm_args/virtiofsd.txt", text);
	}
}

/* Whatever a spec says, the guest's VMM is confined and takes nothing from the host's configuration. */
static void test_always(void **state)
{
	static const char *const always[] = {"-nodefaults", "-no-user-config", "-no-reboot", "-sandbox"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_strv_ char **argv = vmm_qemu.command(&cases[i].spec, "qemu");

		for (size_t k = 0; k < ARRAY_SIZE(always); k++)
			assert_true(strv_contains(argv, always[k]));
	}
}

static void test_places(void **state)
{
	static const struct {
		struct vm_spec spec;
		const char *refusal;
	} places[] = {
		{ { .n_disks = 20, .n_nics = 2 }, NULL },
		{ { .n_disks = 20, .n_nics = 3 }, "20 disks and 3 network cards: machine \"microvm\" has places for 22 of both together" },
		{ { .machine = "microvm-noacpi", .n_disks = 4, .n_nics = 2 }, NULL },
		{ { .machine = "microvm-noacpi", .n_disks = 7 }, "7 disks and 0 network cards: machine \"microvm-noacpi\" has places for 6 of both together" },
		{ { .architecture = "arm64", .n_disks = 20, .n_nics = 8 }, NULL },
		{ { .architecture = "vax" }, "VMM qemu: it has no machine vax/* (valid: amd64/microvm, amd64/microvm-noacpi, arm64/virt)" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct error err = { 0 };
		int r = vmm_check_places(&vmm_qemu, &places[i].spec, &err);

		assert_int_equal(r < 0, places[i].refusal != NULL);
		assert_string_equal(err.msg, places[i].refusal ? places[i].refusal : "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_virtiofsd),
		cmocka_unit_test(test_always),
		cmocka_unit_test(test_places),
	};

	return cmocka_run_group_tests_name("vmm_command", tests, NULL, NULL);
}
