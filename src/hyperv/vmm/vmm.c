/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The drivers in one table, and what is asked of all of them: which one, where its binary is. */
#include "hyperv/vmm/vmm.h"

#include <errno.h>
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

const char *vmm_binary(const struct vmm_ops *ops, const struct vm_spec *spec, struct error *err)
{
	if (spec->binary) {
		if (access(spec->binary, X_OK) == 0)
			return spec->binary;
		error_errno(err, "VMM %s", spec->binary);
		return NULL;
	}
	for (size_t i = 0; ops->binaries[i]; i++)
		if (access(ops->binaries[i], X_OK) == 0)
			return ops->binaries[i];
	error_set(err, ENOENT, "VMM %s: no %s can be executed (Debian: package qemu-system-x86)", ops->name,
		  ops->binaries[0]);
	return NULL;
}
