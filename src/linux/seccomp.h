/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_SECCOMP_H
#define HV_LINUX_SECCOMP_H

#include <linux/filter.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"

struct oci_seccomp;

/* A compiled profile, ready for the child. No instructions = no profile. */
struct seccomp_filter {
	struct sock_filter *insns;
	unsigned short n_insns;
	unsigned flags; /* SECCOMP_FILTER_FLAG_* */
};

/*
 * linux.seccomp as BPF (parent side; libseccomp allocates). Names of syscalls that no kernel of the profile's
 * architectures has are ignored (debug log). A wrong combination is an error that names the field. oci NULL
 * gives an empty filter.
 */
int seccomp_filter_compile(const struct oci_seccomp *oci, struct seccomp_filter *ret, struct error *err);

void seccomp_filter_done(struct seccomp_filter *f);
#define _cleanup_seccomp_filter_ _cleanup_(seccomp_filter_done)

/* Loads the filter into the calling thread (child side, async-signal-safe). Needs CAP_SYS_ADMIN or
 * no_new_privs. Nothing for an empty one. */
int seccomp_filter_load(const struct seccomp_filter *f, struct error *err);

#endif
