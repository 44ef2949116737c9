/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_HYPERV_TEMPLATE_KEY_H
#define HV_HYPERV_TEMPLATE_KEY_H

#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "hyperv/vmm/vmm.h"

enum { TEMPLATE_NAME_SIZE = 17 }; /* 16 hexadecimal digits */

/* A file's identity and content, as far as stat(2) tells: what replaces or writes it changes this. */
struct template_file {
	uint64_t dev, ino, size, changed; /* changed: ctime in ns */
};

/* What a saved VM depends on beside its own description. */
struct template_facts {
	char *host; /* the boot of the host, and the CPU as /proc/cpuinfo shows it */
	struct template_file binary, kernel, initrd;
};

/*
 * Everything that must be the same for a VM to be a copy of a saved one, as text: a VM loaded into a machine that differs fails at best and
 * hangs silently at worst (another CPU). The machine is described by the VMM's own command line, so that nothing can be forgotten here. Pure.
 * The caller frees it.
 */
char *template_key(const struct vmm_ops *vmm, const struct vm_spec *vm, const char *binary, const struct template_facts *facts);

/* A name for the key: a hash. Two keys may have the same, so the key itself is stored and compared. Pure. */
void template_key_name(const char *key, char ret[TEMPLATE_NAME_SIZE]);

/*
 * The RAM of the template for a VM that needs at least so much: the usual size, else a power of two, so that few templates serve all. RAM that
 * the guest does not touch costs nothing. Pure.
 */
uint64_t template_memory(uint64_t need, uint64_t usual);

/* Asks the host. Returns 0 or < 0. */
int template_facts_get(const struct vm_spec *vm, const char *binary, struct template_facts *ret, struct error *err);
void template_facts_done(struct template_facts *f);
#define _cleanup_template_facts_ _cleanup_(template_facts_done)

#endif
