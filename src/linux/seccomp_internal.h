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

/* One name that a rule of the profile has. */
struct seccomp_name {
	const char *name;
	int number;       /* here; negative where the call is not there, and then no other name's */
	uint32_t action;  /* with its data: what a filter returns */
	size_t rule;      /* oci->syscalls[rule].names[index] */
	size_t index;
	bool conditional; /* has to go through libseccomp */
	bool plain;       /* by seccomp_mark_plain(): the call's number alone decides */
};

struct seccomp_profile {
	const uint32_t *architectures; /* in libseccomp's numbers */
	size_t n_architectures;
	struct seccomp_name *names;
	size_t n_names;
};

/* Finds out which names are plain: not conditional, not contradicted, not a call that some architectures have in two ways. Pure. */
void seccomp_mark_plain(struct seccomp_name *names, size_t n);

/*
 * Instructions that answer to the plain names' calls and run off their end for all others (seccomp_table.c); *ret is free()d by the caller.
 * False when some architecture has one number for two names with different answers. Pure.
 */
bool seccomp_table(const struct seccomp_profile *p, struct sock_filter **ret, size_t *ret_n);

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

/*
 * The same from the file that a container has of its own, and making that: a second name of the cache's file, or else a copy. So what a running
 * container needs does not depend on what others have the cache emptied for. dirfd -1: false, and nothing.
 */
bool seccomp_kept_load(int dirfd, const struct buf *key, struct seccomp_filter *ret);
void seccomp_kept_store(int dirfd, int cache_fd, const struct buf *key, const struct seccomp_filter *f);

/* Remembers f's instructions. What fails is told in the debug log only: the next one compiles again. */
void seccomp_cache_store(int cache_fd, const struct buf *key, const struct seccomp_filter *f);

#endif
