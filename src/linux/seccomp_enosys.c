/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A profile that answers with an error by default was written for the system calls of its day. Later ones
 * would get that error too, mostly EPERM, from which a C library cannot see that it should use the older call
 * instead (config-linux.md leaves the default errno to the profile; containers of new distributions break on
 * it). So what is newer than the newest call that the profile names gets ENOSYS, as an old kernel would say.
 * "Newer" means a greater number: each architecture's numbers have grown with time. Its own ranges beside
 * them (ARM's private calls, x32's copies from 512 on) say nothing about age and are left to the filter.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <ocispec/types.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>

#include "base/macros.h"
#include "linux/seccomp_internal.h"

enum { X32_BIT = 0x40000000, X32_COPIES = 512, ARM_PRIVATE = 0x0f0000 };

/* How the kernel names an architecture (struct seccomp_data), and from where to where its numbers tell age.
 */
struct numbers {
	uint32_t arch, audit_arch, first, end;
};

static struct numbers numbers_of(uint32_t arch)
{
	static const struct numbers special[] = {
		{ SCMP_ARCH_X86_64, AUDIT_ARCH_X86_64, 0, X32_BIT },
		{ SCMP_ARCH_X32, AUDIT_ARCH_X86_64, X32_BIT, X32_BIT | X32_COPIES },
		{ SCMP_ARCH_ARM, AUDIT_ARCH_ARM, 0, ARM_PRIVATE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(special); i++)
		if (special[i].arch == arch)
			return special[i];
	return (struct numbers){ arch, arch, 0, INT32_MAX };
}

/* The greatest number that the profile names, or -1. */
static int64_t newest(const struct oci_seccomp *oci, const struct numbers *n)
{
	int64_t max = -1;

	for (size_t i = 0; i < oci->n_syscalls; i++)
		for (size_t k = 0; k < oci->syscalls[i].n_names; k++) {
			int number = seccomp_syscall_resolve_name_arch(n->arch, oci->syscalls[i].names[k]);

			/* negative: not a call of this architecture */
			if (number >= (int64_t)n->first && number < (int64_t)n->end && number > max)
				max = number;
		}
	return max;
}

/* Falls through to what follows unless the call is of this architecture and between its newest and its end.
 */
static void add_block(const struct numbers *n, uint32_t above, struct sock_filter *ret)
{
	const struct sock_filter block[SECCOMP_ENOSYS_INSNS] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, n->audit_arch, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, n->end, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, above, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
	};

	memcpy(ret, block, sizeof(block));
}

static bool is_needed(const struct oci_seccomp *oci)
{
	return oci->default_action == OCI_SECCOMP_ACTION_ERRNO &&
	       !(oci->has_default_errno_ret && oci->default_errno_ret == ENOSYS);
}

size_t seccomp_enosys(const struct oci_seccomp *oci, const uint32_t *architectures, size_t n,
		      struct sock_filter *ret)
{
	size_t len = 0;

	for (size_t i = 0; is_needed(oci) && i < n; i++) {
		const struct numbers numbers = numbers_of(architectures[i]);
		int64_t above = newest(oci, &numbers);

		if (above < 0) /* none of its calls is named: nothing to measure by */
			continue;
		add_block(&numbers, (uint32_t)above, ret + len);
		len += SECCOMP_ENOSYS_INSNS;
	}
	return len;
}
