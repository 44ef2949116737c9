/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_HYPERV_TEMPLATE_H
#define HV_HYPERV_TEMPLATE_H

#include "base/error.h"
#include "hyperv/template_store.h"
#include "hyperv/vmm/vmm.h"

struct env;
struct oci_config;

enum { TEMPLATE_E_NOT_FOR_IT = 2 };

/*
 * The template of which a container's VM can be a copy. The first who needs one makes it; others wait for that, which is faster than to boot beside
 * it. vm is what spec_make_vm() says, binary the VMM. Returns 0 with *ret (template_done()); TEMPLATE_E_NOT_FOR_IT when this VM is to be
 * booted (switched off by hyperv.template, a vm section in config, more processors than the host has); < 0 when it has to be booted, with the
 * reason.
 */
int template_get(const struct env *env, const struct oci_config *config, const struct vm_spec *vm, const char *binary,
		 struct template *ret, struct error *err);

#endif
