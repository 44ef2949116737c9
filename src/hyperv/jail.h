/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_HYPERV_JAIL_H
#define HV_HYPERV_JAIL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"

struct oci_config;
struct settings_hyperv;

/*
 * What the VMM may have on the host beside what every one needs (vmwp/jail.c gives it): the operator's files, and what the
 * container's own process would have there in type Default. The annotations have no say in it.
 */
struct jail {
	char *label; /* SELinux; NULL: none is asked for. Owned */
	bool file_capabilities;
	char *const *files; /* borrowed from the settings */
	size_t n_files;
};

/*
 * Pure but for the question whether SELinux knows the label: one that is asked for where SELinux is off is refused, as in type Default.
 * config NULL: no container, for a template. Returns 0 and *ret, for jail_done(), or < 0.
 */
int jail_derive(const struct oci_config *config, const struct settings_hyperv *settings, struct jail *ret, struct error *err);
void jail_done(struct jail *j);
#define _cleanup_jail_ _cleanup_(jail_done)

/*
 * The label of the VMM for a container that asks for label: its type becomes the one that container-selinux has for virtual machines
 * (container_t → container_kvm_t, container_init_t → container_init_kvm_t), user, role and level stay. The caller frees it.
 */
char *jail_vmm_label(const char *label);

#endif
