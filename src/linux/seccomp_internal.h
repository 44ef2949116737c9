/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_SECCOMP_INTERNAL_H
#define HV_LINUX_SECCOMP_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "linux/seccomp.h"

struct oci_seccomp;

/* Parts of seccomp_filter_compile(). */

enum { SECCOMP_ARCHITECTURES_MAX = 32, SECCOMP_ENOSYS_INSNS = 6 /* for each architecture */ };

/*
 * The stub that goes before the filter (seccomp_enosys.c) for n architectures in libseccomp's numbers. ret
 * has room for n * SECCOMP_ENOSYS_INSNS. Returns how many instructions it has, 0 when the profile is not of
 * the kind that needs one. Pure.
 */
size_t seccomp_enosys(const struct oci_seccomp *oci, const uint32_t *architectures, size_t n,
		      struct sock_filter *ret);

/* The actions that this kernel knows: bit i for the i-th of seccomp(2)'s, SECCOMP_GET_ACTION_AVAIL, 4.14. */
enum { SECCOMP_AVAILABLE_NOTIFY = 1 << 0 };
unsigned seccomp_available_actions(void);

/* Everything that decides about the instructions, unambiguously: what a cached filter is found by. */
void seccomp_cache_key(const struct oci_seccomp *oci, unsigned available, struct buf *ret);

/*
 * Fills ret's instructions from the cache. False when they are not there, or there is any doubt about the
 * file.
 */
bool seccomp_cache_load(int cache_fd, const struct buf *key, struct seccomp_filter *ret);

/* Remembers f's instructions. What fails is told in the debug log only: the next one compiles again. */
void seccomp_cache_store(int cache_fd, const struct buf *key, const struct seccomp_filter *f);

#endif
