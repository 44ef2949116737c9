/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hyperv/spec.h: how large a VM a config.json gets, and what its cgroup on the host may use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "base/mem.h"
#include "container/settings.h"
#include "hyperv/choice.h"
#include "hyperv/spec.h"
#include "schema/json.h"
#include "schema/types.h"

#define MIB (1LL << 20)

static char *const guest_words[] = { (char *)"quiet", NULL };
static const struct settings_guest guests[] = {
	{ .name = "default", .architecture = "amd64", .accel = "kvm", .vmm_path = "/q", .kernel = "/k", .initrd = "/i" },
	{ .name = "arm64", .architecture = "arm64", .accel = "tcg", .machine = "virt", .kernel = "/ka", .initrd = "/ia",
	  .parameters = guest_words },
};
static const struct settings_hyperv settings = {
	.accel = "kvm", .memory = 512 * MIB, .vcpus = 1, .guests = guests, .n_guests = ARRAY_SIZE(guests)
};
static const struct choice usual = { .guest = &guests[0] }, other = { .guest = &guests[1] };

/* A config.json with these members of linux.resources, or of the top. */
static struct oci_doc *parse(const char *resources, const char *top)
{
	_cleanup_free_ char *json = xasprintf("{\"ociVersion\": \"1.3.0\", \"root\": {\"path\": \"r\"}, "
					      "\"linux\": {\"resources\": {%s}}%s%s}",
					      resources, *top ? ", " : "", top);
	struct oci_doc *doc = NULL;
	struct error err = { 0 };

	if (json_parse(&oci_config_type, json, strlen(json), &doc, &err) < 0)
		fail_msg("%s: %s", json, err.msg);
	return doc;
}

#define POD(type, name, value)                                                                       \
	"\"annotations\": {\"io.kubernetes.cri.container-type\": \"" type "\", \"io.kubernetes.cri.sandbox-id\": \"pod\", " \
	"\"io.kubernetes.cri.sandbox-" name "\": \"" value "\"}"

static void test_size(void **state)
{
	static const struct {
		const char *resources, *top;
		int64_t memory_mib;
		unsigned vcpus;
	} cases[] = {
		{ "", "", 512, 1 },
		{ "\"memory\": {\"limit\": -1}", "", 512, 1 },
		{ "\"memory\": {\"limit\": 67108864}", "", 512, 1 },
		{ "\"memory\": {\"limit\": 1073741824}", "", 1024 + SPEC_GUEST_RESERVE_MIB, 1 },
		{ "\"cpu\": {\"quota\": 50000, \"period\": 100000}", "", 512, 1 },
		{ "\"cpu\": {\"quota\": 150000, \"period\": 100000}", "", 512, 2 },
		{ "\"cpu\": {\"quota\": 400000, \"period\": 100000}", "", 512, 4 },
		{ "\"cpu\": {\"quota\": 900000000, \"period\": 1000}", "", 512, 255 },
		{ "\"cpu\": {\"quota\": -1, \"period\": 1000}", "", 512, 1 },
		{ "\"cpu\": {\"quota\": 400000}", "", 512, 1 },
		{ "\"cpu\": {\"quota\": 400000, \"period\": 100000}",
		  "\"vm\": {\"kernel\": {\"path\": \"/k2\"}, \"hwConfig\": {\"vcpus\": 3, \"memory\": "
		  "268435456}}",
		  256, 3 },
		/* the pod's, when it is the sandbox; a member's are nobody's */
		{ "", POD("sandbox", "memory", "1073741824"), 1024 + SPEC_GUEST_RESERVE_MIB, 1 },
		{ "", POD("sandbox", "memory", "-1"), 512, 1 },
		{ "", POD("container", "memory", "1073741824"), 512, 1 },
		{ "\"memory\": {\"limit\": 2147483648}", POD("sandbox", "memory", "1073741824"), 2048 + SPEC_GUEST_RESERVE_MIB, 1 },
		{ "\"cpu\": {\"quota\": 1000, \"period\": 100000}",
		  POD("sandbox", "cpu-period", "100000\", \"io.kubernetes.cri.sandbox-cpu-quota\": \"350000"), 512, 4 },
		{ "", POD("sandbox", "cpu-quota", "350000"), 512, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_doc_ struct oci_doc *doc = parse(cases[i].resources, cases[i].top);
		struct vm_spec vm;
		struct error err;

		assert_int_equal(spec_make_vm(oci_doc_root(doc), &settings, &usual, &vm, &err), 0);
		assert_int_equal(vm.memory, cases[i].memory_mib * MIB);
		assert_int_equal(vm.vcpus, cases[i].vcpus);
		assert_int_equal(vm.accel, VMM_ACCEL_KVM);
	}
}

static void test_vm_section(void **state)
{
	_cleanup_doc_ struct oci_doc *doc =
		parse("", "\"vm\": {\"hypervisor\": {\"path\": \"/hv\", \"parameters\": [\"-x\"]}, "
			  "\"kernel\": {\"path\": \"/k2\", \"parameters\": [\"a=b\"], \"initrd\": \"/i2\"}}");
	const struct choice choice = { .guest = &guests[0], .hypervisor = (char *)"/real/hv", .kernel = (char *)"/real/k2",
				       .initrd = (char *)"/real/i2" };
	struct vm_spec vm;
	struct error err;

	(void)state;
	/* what has been checked counts, and not the names in the bundle */
	assert_int_equal(spec_make_vm(oci_doc_root(doc), &settings, &choice, &vm, &err), 0);
	assert_string_equal(vm.binary, "/real/hv");
	assert_string_equal(vm.args[0], "-x");
	assert_string_equal(vm.kernel, "/real/k2");
	assert_string_equal(vm.kernel_args[0], "a=b");
	assert_string_equal(vm.initrd, "/real/i2");
}

static void test_guest(void **state)
{
	_cleanup_doc_ struct oci_doc *doc = parse("", "");
	struct hv_worker_vm w;
	struct vm_spec vm;
	struct error err;

	(void)state;
	assert_int_equal(spec_make_vm(oci_doc_root(doc), &settings, &other, &vm, &err), 0);
	assert_string_equal(vm.architecture, "arm64");
	assert_string_equal(vm.machine, "virt");
	assert_string_equal(vm.kernel, "/ka");
	assert_string_equal(vm.initrd, "/ia");
	assert_int_equal(vm.accel, VMM_ACCEL_TCG);
	assert_null(vm.binary);
	spec_for_worker(&vm, "qemu", "/bin/qemu", &w);
	assert_string_equal(w.architecture, "arm64");
	assert_string_equal(w.machine, "virt");
	assert_string_equal(w.accel, "tcg");
	assert_string_equal(w.binary, "/bin/qemu");
	assert_int_equal(w.n_kernel_args, 1);
	assert_string_equal(w.kernel_args[0], "quiet");
}

static void test_refused(void **state)
{
	static const struct {
		const char *top, *message;
	} cases[] = {
		{ "\"vm\": {\"kernel\": {\"path\": \"/k\"}, \"hwConfig\": {\"memory\": 1048576}}",
		  "vm.hwConfig.memory: 1048576 bytes are too few to boot, 100663296 would do" },
		{ "\"vm\": {\"kernel\": {\"path\": \"/k\"}, \"hwConfig\": {\"vcpus\": 0}}",
		  "vm.hwConfig.vcpus: 0 is not between 1 and 255" },
		{ "\"vm\": {\"kernel\": {\"path\": \"/k\"}, \"hwConfig\": {\"vcpus\": 256}}",
		  "vm.hwConfig.vcpus: 256 is not between 1 and 255" },
		{ "\"vm\": {\"kernel\": {\"path\": \"/k\"}, \"hwConfig\": {\"irqs\": [5]}}",
		  "vm.hwConfig.irqs: interrupts of the host are not passed through (vcpus and memory are what can be chosen)" },
		{ "\"vm\": {\"kernel\": {\"path\": \"/k\"}, \"hwConfig\": {\"deviceTree\": \"/d\"}}",
		  "vm.hwConfig.deviceTree: the monitor describes the machine to the guest itself (vcpus and memory are what can be "
		  "chosen)" },
		{ "\"vm\": {\"kernel\": {\"path\": \"/k\"}, \"hwConfig\": {\"dtdevs\": [\"d\"]}}",
		  "vm.hwConfig.dtdevs: devices of the host are not passed through (vcpus and memory are what can be chosen)" },
		{ "\"vm\": {\"kernel\": {\"path\": \"/k\"}, \"hwConfig\": {\"iomems\": [{\"firstMFN\": 1, \"nrMFNs\": 1}]}}",
		  "vm.hwConfig.iomems: memory of the host's devices is not passed through (vcpus and memory are what can be chosen)" },
		{ "\"vm\": {\"kernel\": {\"path\": \"/k\"}, \"image\": {\"path\": \"/img\", \"format\": \"vmdk\"}}",
		  "vm.image.format: \"vmdk\" is not supported (raw, qcow2)" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_doc_ struct oci_doc *doc = parse("", cases[i].top);
		struct vm_spec vm;
		struct error err;

		assert_true(spec_make_vm(oci_doc_root(doc), &settings, &usual, &vm, &err) < 0);
		assert_string_equal(err.msg, cases[i].message);
	}
}

static void make_limits(struct oci_doc *doc, struct vm_spec *vm, struct host_limits *limits)
{
	struct error err;

	assert_int_equal(spec_make_vm(oci_doc_root(doc), &settings, &usual, vm, &err), 0);
	spec_make_host_limits(oci_doc_root(doc), vm, limits);
}

/* What the container may use, the guest's kernel and the VMM together: never less than the RAM that the guest
 * believes to have. */
static void test_host_memory(void **state)
{
	static const struct {
		int64_t limit, swap, host_limit, host_swap;
	} cases[] = {
		{ 64 * MIB, 128 * MIB, (512 + SPEC_VMM_OVERHEAD_MIB) * MIB,
		  (512 + 64 + SPEC_VMM_OVERHEAD_MIB) * MIB },
		{ 1024 * MIB, 1024 * MIB, (1024 + SPEC_GUEST_RESERVE_MIB + SPEC_VMM_OVERHEAD_MIB) * MIB,
		  (1024 + SPEC_GUEST_RESERVE_MIB + SPEC_VMM_OVERHEAD_MIB) * MIB },
		{ 1024 * MIB, -1, (1024 + SPEC_GUEST_RESERVE_MIB + SPEC_VMM_OVERHEAD_MIB) * MIB, -1 },
		{ -1, -1, -1, -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text =
			xasprintf("\"memory\": {\"limit\": %lld, \"swap\": %lld, \"swappiness\": 5}",
				  (long long)cases[i].limit, (long long)cases[i].swap);
		_cleanup_doc_ struct oci_doc *doc = parse(text, "");
		struct host_limits l;
		struct vm_spec vm;

		make_limits(doc, &vm, &l);
		assert_int_equal(l.resources.memory->limit, cases[i].host_limit);
		assert_int_equal(l.resources.memory->swap, cases[i].host_swap);
		assert_true(l.resources.memory->has_swappiness);
		assert_int_equal(l.resources.memory->swappiness, 5);
		assert_true(cases[i].limit < 0 || (uint64_t)l.resources.memory->limit > vm.memory);
	}
}

static void test_host_rest(void **state)
{
	_cleanup_doc_ struct oci_doc *doc = parse(
		"\"pids\": {\"limit\": 5}, \"cpu\": {\"shares\": 77, \"cpus\": \"0\"}, "
		"\"devices\": [{\"allow\": true, \"access\": \"rwm\"}], \"unified\": {\"memory.max\": \"1\"}",
		"");
	_cleanup_doc_ struct oci_doc *unlimited = parse("\"pids\": {\"limit\": -1}", ""),
				     *many = parse("\"pids\": {\"limit\": 5000}", "");
	struct host_limits l;
	struct vm_spec vm;

	(void)state;
	make_limits(doc, &vm, &l);
	assert_int_equal(l.resources.pids->limit, SPEC_VMM_PIDS + 1);
	assert_int_equal(l.resources.cpu->shares, 77);
	assert_string_equal(l.resources.cpu->cpus, "0");
	assert_null(l.resources.unified);
	assert_null(l.resources.memory);
	assert_int_equal(l.resources.n_devices, 3);
	assert_false(l.resources.devices[0].allow);
	make_limits(unlimited, &vm, &l);
	assert_int_equal(l.resources.pids->limit, -1);
	make_limits(many, &vm, &l);
	assert_int_equal(l.resources.pids->limit, 5000);
}

/* A pause container's own shares would leave the pod next to nothing. */
static void test_host_pod(void **state)
{
	_cleanup_doc_ struct oci_doc *doc = parse("\"cpu\": {\"shares\": 2, \"cpus\": \"0\"}", POD("sandbox", "cpu-shares", "1536"));
	struct vm_spec vm = { .memory = 512 * MIB, .vcpus = 1 };
	struct host_limits l;

	(void)state;
	spec_make_host_limits(oci_doc_root(doc), &vm, &l);
	assert_int_equal(l.resources.cpu->shares, 1536);
	assert_string_equal(l.resources.cpu->cpus, "0");
}

/* The annotation before the configuration file, in any case. */
static void test_share_type(void **state)
{
	static const struct {
		const char *setting, *annotation, *type;
	} cases[] = {
		{ NULL, NULL, "9p" },	    { "9p", NULL, "9p" },	    { "virtiofs", NULL, "virtiofs" },
		{ "virtiofs", "9P", "9p" }, { "9p", "VirtioFS", "virtiofs" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *top = cases[i].annotation ? xasprintf("\"annotations\": {\"io.hvrun.share-type\": \"%s\"}", cases[i].annotation) : xstrdup("");
		struct oci_doc *doc = parse("", top);
		struct settings_hyperv s = settings;
		struct hv_worker_vm worker;
		struct vm_spec spec;
		struct error err;

		s.share_type = cases[i].setting;
		s.virtiofsd_path = "/v";
		assert_int_equal(spec_make_vm(oci_doc_root(doc), &s, &usual, &spec, &err), 0);
		assert_string_equal(spec_share_type(&spec), cases[i].type);
		spec_for_worker(&spec, "qemu", "/q", &worker);
		if (spec.virtiofs)
			assert_string_equal(worker.virtiofsd, "/v");
		else
			assert_null(worker.virtiofsd);
		oci_doc_free(doc);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_share_type),
		cmocka_unit_test(test_size),      cmocka_unit_test(test_vm_section),
		cmocka_unit_test(test_refused),   cmocka_unit_test(test_host_memory),
		cmocka_unit_test(test_host_rest), cmocka_unit_test(test_guest),
		cmocka_unit_test(test_host_pod),
	};

	return cmocka_run_group_tests_name("hyperv_spec", tests, NULL, NULL);
}
