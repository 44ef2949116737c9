/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_HYPERV_SPEC_H
#define HV_HYPERV_SPEC_H

#include <ocispec/types.h>

#include "base/error.h"
#include "hyperv/vmm/vmm.h"

struct choice;
struct hv_worker_vm;
struct settings_hyperv;

enum {
	SPEC_MEMORY_MIN_MIB = 96,     /* with less the guest's kernel stops before it can say so */
	SPEC_GUEST_RESERVE_MIB = 128, /* RAM of the guest's kernel and agent, beside the container's limit */
	SPEC_VMM_OVERHEAD_MIB = 256,  /* the VMM and the worker on the host, translated code included */
	SPEC_VMM_PIDS = 128, /* threads of the VMM and the worker, the virtual processors not counted */
};

/* How the shares come into a VM, by the names of annotation io.hvrun.share-type: this one, or "9p". */
#define SPEC_SHARE_VIRTIOFS "virtiofs"
const char *spec_share_type(const struct vm_spec *vm);

/* Limits of the container's cgroup on the host: the worker and the VMM are in it. Points into the config and
 * into itself. */
struct host_limits {
	struct oci_resources resources;
	struct oci_cpu cpu;
	struct oci_memory memory;
	struct oci_pids pids;
	struct oci_device_rule devices[3];
};

/*
 * The virtual machine for a bundle: the kernel that has been chosen for it, the vm section of config.json where it says something,
 * else the settings; enough RAM and processors for the limits that it asks for. Pure. Strings are borrowed. Returns 0, or < 0
 * with *err naming the field that cannot be had.
 */
int spec_make_vm(const struct oci_config *config, const struct settings_hyperv *settings, const struct choice *choice,
		 struct vm_spec *ret, struct error *err);

/* The same VM as a worker is told of it; vmm and binary are the driver and its program. Borrows all strings. Pure. */
void spec_for_worker(const struct vm_spec *vm, const char *vmm, const char *binary, struct hv_worker_vm *ret);

/* cpu, cpusets, block I/O and swappiness as given; memory and pids with what the VM itself needs on top. Pure. */
void spec_make_host_limits(const struct oci_config *config, const struct vm_spec *vm,
			   struct host_limits *ret);

#endif
