/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How large a VM a container gets, and what its cgroup on the host may use. The container's own limits are
 * kept exactly, by the guest's cgroups; the host's must leave room for a kernel and a VMM, or the VM would be
 * killed for what the container did not do.
 */
#include "hyperv/spec.h"

#include <errno.h>
#include <stdbool.h>

#include "base/str.h"
#include "container/annotation.h"
#include "container/settings.h"
#include "hyperv/choice.h"
#include "schema/types.h"

#define MIB (1ULL << 20)
enum { VCPUS_MAX = 255 };

static int64_t memory_limit(const struct oci_config *c)
{
	const struct oci_resources *r = c->linux_ ? c->linux_->resources : NULL;

	return r && r->memory && r->memory->has_limit && r->memory->limit > 0 ? r->memory->limit : 0;
}

/* What the annotations of a sandbox say of all its pod (containerd): the VM is theirs. 0: nothing. */
static uint64_t of_pod(const struct oci_config *c, enum annotation a)
{
	return annotation_is_sandbox(c->annotations) ? annotation_get_number(c->annotations, a) : 0;
}

static uint64_t choose_memory(const struct oci_config *c, const struct settings_hyperv *s)
{
	uint64_t limit = MAX((uint64_t)memory_limit(c), of_pod(c, ANNOTATION_CRI_SANDBOX_MEMORY));
	uint64_t need = limit ? limit + SPEC_GUEST_RESERVE_MIB * MIB : 0;

	if (c->vm && c->vm->hw_config && c->vm->hw_config->has_memory)
		return c->vm->hw_config->memory;
	return MAX(need, s->memory);
}

/* The processors' time is the pod's, too: a sandbox alone is given next to none. Returns whether anything has changed. */
static bool apply_pod(const struct oci_config *c, struct oci_cpu *cpu)
{
	uint64_t quota = of_pod(c, ANNOTATION_CRI_SANDBOX_CPU_QUOTA), period = of_pod(c, ANNOTATION_CRI_SANDBOX_CPU_PERIOD),
		 shares = of_pod(c, ANNOTATION_CRI_SANDBOX_CPU_SHARES);

	if (quota && period) {
		cpu->has_quota = cpu->has_period = true;
		cpu->quota = (int64_t)quota;
		cpu->period = period;
	}
	if (shares) {
		cpu->has_shares = true;
		cpu->shares = shares;
	}
	return (quota && period) || shares;
}

static unsigned choose_vcpus(const struct oci_config *c, const struct settings_hyperv *s)
{
	const struct oci_resources *r = c->linux_ ? c->linux_->resources : NULL;
	struct oci_cpu cpu = r && r->cpu ? *r->cpu : (struct oci_cpu){ 0 };

	if (c->vm && c->vm->hw_config && c->vm->hw_config->has_vcpus)
		return c->vm->hw_config->vcpus;
	apply_pod(c, &cpu);
	if (cpu.has_quota && cpu.quota > 0 && cpu.has_period && cpu.period > 0) {
		uint64_t n = ((uint64_t)cpu.quota - 1) / cpu.period + 1;

		return (unsigned)MIN(n, (uint64_t)VCPUS_MAX);
	}
	return s->vcpus;
}

static int refuse_hardware(const char *field, const char *why, struct error *err)
{
	return error_set(err, EINVAL, "vm.hwConfig.%s: %s (vcpus and memory are what can be chosen)", field, why);
}

static int apply_vm_section(const struct oci_vm *vm, const struct choice *choice, struct vm_spec *spec, struct error *err)
{
	const struct oci_vm_hw_config *hw = vm->hw_config;

	if (vm->image && vm->image->has_format && vm->image->format > OCI_VM_IMAGE_FORMAT_QCOW2)
		return error_set(err, EINVAL, "vm.image.format: \"%s\" is not supported (raw, qcow2)", oci_vm_image_format_to_string(vm->image->format));
	if (hw && hw->device_tree)
		return refuse_hardware("deviceTree", "the monitor describes the machine to the guest itself", err);
	if (hw && hw->n_dtdevs)
		return refuse_hardware("dtdevs", "devices of the host are not passed through", err);
	if (hw && hw->n_iomems)
		return refuse_hardware("iomems", "memory of the host's devices is not passed through", err);
	if (hw && hw->n_irqs)
		return refuse_hardware("irqs", "interrupts of the host are not passed through", err);
	if (hw && hw->has_vcpus && (hw->vcpus < 1 || hw->vcpus > VCPUS_MAX))
		return error_set(err, ERANGE, "vm.hwConfig.vcpus: %u is not between 1 and %d", hw->vcpus,
				 VCPUS_MAX);
	if (vm->hypervisor) {
		spec->binary = choice->hypervisor;
		spec->args = vm->hypervisor->parameters;
	}
	if (vm->kernel) {
		spec->kernel = choice->kernel;
		spec->kernel_args = vm->kernel->parameters;
		if (choice->initrd)
			spec->initrd = choice->initrd;
	}
	return 0;
}

static bool wants_virtiofs(const struct oci_config *c, const struct settings_hyperv *s)
{
	const char *type = annotation_get(c->annotations, ANNOTATION_SHARE_TYPE);

	return str_eq_nocase(type ? type : s->share_type, SPEC_SHARE_VIRTIOFS);
}

const char *spec_share_type(const struct vm_spec *vm)
{
	return vm->virtiofs ? SPEC_SHARE_VIRTIOFS : "9p";
}

int spec_make_vm(const struct oci_config *config, const struct settings_hyperv *settings, const struct choice *choice,
		 struct vm_spec *ret, struct error *err)
{
	const struct settings_guest *guest = choice->guest;
	struct vm_spec spec = {
		.architecture = guest->architecture,
		.machine = guest->machine,
		.binary = guest->vmm_path,
		.accel = vmm_accel_from_string(guest->accel),
		.memory = choose_memory(config, settings),
		.vcpus = choose_vcpus(config, settings),
		.kernel = guest->kernel,
		.initrd = guest->initrd,
		.kernel_args = guest->parameters,
		.virtiofs = wants_virtiofs(config, settings),
		.virtiofsd = settings->virtiofsd_path,
		.virtiofs_timeout = settings->virtiofs_timeout,
		.share_fd = -1,
		.control_fd = -1,
		.stream_fd = -1,
		.console_fd = -1,
		.qmp_fd = -1,
	};
	int r = config->vm ? apply_vm_section(config->vm, choice, &spec, err) : 0;

	if (r < 0)
		return r;
	if (spec.memory < SPEC_MEMORY_MIN_MIB * MIB)
		return error_set(err, ERANGE, "%s: %llu bytes are too few to boot, %llu would do",
				 config->vm && config->vm->hw_config && config->vm->hw_config->has_memory
					 ? "vm.hwConfig.memory"
					 : "configuration file: hyperv.memory",
				 (unsigned long long)spec.memory, SPEC_MEMORY_MIN_MIB * MIB);
	*ret = spec;
	return 0;
}

void spec_for_worker(const struct vm_spec *vm, const char *vmm, const char *binary, struct hv_worker_vm *ret)
{
	*ret = (struct hv_worker_vm){
		.vmm = (char *)vmm,
		.architecture = (char *)vm->architecture,
		.machine = (char *)vm->machine,
		.binary = (char *)binary,
		.accel = (char *)vmm_accel_to_string(vm->accel),
		.memory = vm->memory,
		.vcpus = vm->vcpus,
		.kernel = (char *)vm->kernel,
		.initrd = (char *)vm->initrd,
		.kernel_args = (char **)vm->kernel_args,
		.n_kernel_args = strv_length(vm->kernel_args),
		.args = (char **)vm->args,
		.n_args = strv_length(vm->args),
		.has_nics = true,
		.nics = vm->n_nics,
		.has_storage = true,
		.storage = vm->storage,
		.virtiofsd = vm->virtiofs ? (char *)vm->virtiofsd : NULL,
		.has_virtiofs_timeout = vm->virtiofs,
		.virtiofs_timeout = vm->virtiofs_timeout,
		.has_spare_disks = true,
		.spare_disks = vm->n_spares[VMM_SPARE_WRITABLE],
		.has_spare_readonly_disks = true,
		.spare_readonly_disks = vm->n_spares[VMM_SPARE_READONLY],
		.has_root_disk = vm->has_root,
		.root_disk = vm->root,
	};
}

/* A limit with room for the VM; 0 and -1 (none) stay as they are. */
static int64_t add_room(int64_t limit, uint64_t room)
{
	return limit > 0 && (uint64_t)limit <= (uint64_t)INT64_MAX - room ? limit + (int64_t)room : limit;
}

static void make_memory(const struct oci_memory *from, int64_t limit, const struct vm_spec *vm,
			struct oci_memory *to)
{
	uint64_t room = vm->memory > (uint64_t)limit ? vm->memory - (uint64_t)limit : 0;

	room += SPEC_VMM_OVERHEAD_MIB * MIB;
	*to = (struct oci_memory){
		.has_limit = from->has_limit,
		.limit = add_room(from->limit, room),
		.has_swap = from->has_swap,
		.swap = add_room(from->swap, room),
		.has_reservation = from->has_reservation,
		.reservation = add_room(from->reservation, room),
		/* the guest's memory is the host's to swap */
		.has_swappiness = from->has_swappiness,
		.swappiness = from->swappiness,
	};
}

/* What the VMM opens beside the usual: /dev/kvm and /dev/net/tun (Documentation/admin-guide/devices.txt). */
static void make_devices(struct host_limits *l)
{
	static const struct oci_device_rule rules[] = {
		{ .allow = false, .has_type = true, .type = OCI_DEVICE_RULE_TYPE_A, .access = (char *)"rwm" },
		{ .allow = true,
		  .has_type = true,
		  .type = OCI_DEVICE_RULE_TYPE_C,
		  .has_major = true,
		  .major = 10,
		  .has_minor = true,
		  .minor = 232,
		  .access = (char *)"rw" },
		{ .allow = true,
		  .has_type = true,
		  .type = OCI_DEVICE_RULE_TYPE_C,
		  .has_major = true,
		  .major = 10,
		  .has_minor = true,
		  .minor = 200,
		  .access = (char *)"rw" },
	};

	_Static_assert(ARRAY_SIZE(rules) == ARRAY_SIZE(l->devices), "a place for each");
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		l->devices[i] = rules[i];
	l->resources.devices = l->devices;
	l->resources.n_devices = ARRAY_SIZE(rules);
}

void spec_make_host_limits(const struct oci_config *config, const struct vm_spec *vm, struct host_limits *ret)
{
	const struct oci_resources *from = config->linux_ ? config->linux_->resources : NULL;

	*ret = (struct host_limits){ 0 };
	make_devices(ret);
	if (from && from->cpu)
		ret->cpu = *from->cpu;
	if (apply_pod(config, &ret->cpu) || (from && from->cpu))
		ret->resources.cpu = &ret->cpu;
	if (!from)
		return;
	ret->resources.block_io = from->block_io;
	ret->resources.network = from->network;
	if (from->memory) {
		make_memory(from->memory, memory_limit(config), vm, &ret->memory);
		ret->resources.memory = &ret->memory;
	}
	if (from->pids && from->pids->has_limit) {
		ret->pids = *from->pids;
		if (ret->pids.limit >= 0) /* 0 is a limit; only a negative one is none */
			ret->pids.limit = MAX(ret->pids.limit, (int64_t)SPEC_VMM_PIDS + vm->vcpus);
		ret->resources.pids = &ret->pids;
	}
}
