/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The drivers in one table, and what is asked of all of them: which one, where its binary is. */
#include "hyperv/vmm/vmm.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct vmm_ops *const drivers[] = {&vmm_qemu};

static const char *const accel_names[_VMM_ACCEL_MAX] = {
	[VMM_ACCEL_KVM] = "kvm",
	[VMM_ACCEL_TCG] = "tcg",
};

const char *vmm_accel_to_string(enum vmm_accel accel)
{
	return accel_names[accel];
}

enum vmm_accel vmm_accel_from_string(const char *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(accel_names); i++)
		if (!strcmp(s, accel_names[i]))
			return (enum vmm_accel)i;
	return _VMM_ACCEL_INVALID;
}

static const char *const format_names[_VMM_DISK_FORMAT_MAX] = {
	[VMM_DISK_RAW] = "raw",
	[VMM_DISK_QCOW2] = "qcow2",
};

const char *vmm_disk_format_to_string(enum vmm_disk_format format)
{
	return format_names[format];
}

enum vmm_disk_format vmm_disk_format_from_string(const char *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(format_names); i++)
		if (!strcmp(s, format_names[i]))
			return (enum vmm_disk_format)i;
	return _VMM_DISK_FORMAT_INVALID;
}

const struct vmm_ops *vmm_find(const char *name, struct error *err)
{
	char names[128] = "";

	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
		if (!name || !strcmp(name, drivers[i]->name))
			return drivers[i];
		strncat(names, i ? ", " : "", sizeof(names) - strlen(names) - 1);
		strncat(names, drivers[i]->name, sizeof(names) - strlen(names) - 1);
	}
	error_set(err, EINVAL, "VMM \"%s\" is not known (valid: %s)", name, names);
	return NULL;
}

static bool is_machine(const struct vmm_machine *m, const struct vmm_machine *first, const struct vm_spec *spec)
{
	const char *architecture = spec->architecture ? spec->architecture : first->architecture;

	return !strcmp(m->architecture, architecture) && (!spec->machine || !strcmp(m->name, spec->machine));
}

const struct vmm_machine *vmm_machine_find(const struct vmm_ops *ops, const struct vm_spec *spec, struct error *err)
{
	const struct vmm_machine *first = ops->machines, *m;
	char names[256] = "";

	for (m = first; m->name; m++) {
		size_t len = strlen(names);

		if (is_machine(m, first, spec))
			return m;
		snprintf(names + len, sizeof(names) - len, "%s%s/%s", len ? ", " : "", m->architecture, m->name);
	}
	error_set(err, EINVAL, "VMM %s: it has no machine %s/%s (valid: %s)", ops->name,
		  spec->architecture ? spec->architecture : first->architecture, spec->machine ? spec->machine : "*", names);
	return NULL;
}

unsigned vmm_room(const struct vmm_ops *ops, const struct vm_spec *spec)
{
	unsigned taken = VMM_DEVICES_ALWAYS + spec->n_nics + spec->n_disks;
	const struct vmm_machine *m;
	struct error ignored;

	for (int i = 0; i < _VMM_SPARE_MAX; i++)
		taken += spec->n_spares[i];
	m = vmm_machine_find(ops, spec, &ignored);
	return m && m->places > taken ? m->places - taken : 0;
}

int vmm_check_places(const struct vmm_ops *ops, const struct vm_spec *spec, struct error *err)
{
	const struct vmm_machine *m = vmm_machine_find(ops, spec, err);

	if (!m)
		return -err->code;
	if (VMM_DEVICES_ALWAYS + spec->n_nics + spec->n_disks <= m->places)
		return 0;
	return error_set(err, E2BIG, "%u disks and %u network cards: machine \"%s\" has places for %u of both together", spec->n_disks, spec->n_nics, m->name,
			 m->places - VMM_DEVICES_ALWAYS);
}

const char *vmm_binary(const struct vmm_ops *ops, const struct vm_spec *spec, struct error *err)
{
	const struct vmm_machine *m = vmm_machine_find(ops, spec, err);

	if (!m)
		return NULL;
	if (spec->binary) {
		if (access(spec->binary, X_OK) == 0)
			return spec->binary;
		error_errno(err, "VMM %s", spec->binary);
		return NULL;
	}
	for (size_t i = 0; m->binaries[i]; i++)
		if (access(m->binaries[i], X_OK) == 0)
			return m->binaries[i];
	error_set(err, ENOENT, "VMM %s: no %s can be executed (Debian: package %s)", ops->name, m->binaries[0], m->package);
	return NULL;
}
