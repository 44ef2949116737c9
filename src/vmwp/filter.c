/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the VMM has no use for and a way out of a jail often begins with, refused by the kernel (seccomp(2)). QEMU's own filter (-sandbox) is loaded later
 * and beside this one; it keeps QEMU from new programs and privileges, but knows nothing of what is new since it was written, and
 * lets through sockets, namespaces, mounts by the new calls, io_uring, file handles and the debugging of other processes.
 *
 * EPERM rather than death: libraries try some of these and have another way. ENOSYS for clone3, whose flags cannot be looked at: the C
 * library then takes clone.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/syscall.h>

#include "base/mem.h"
#include "linux/sys.h"
#include "vmwp/worker.h"

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#define FIRST_FOREIGN 0x40000000 /* x32 */
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#define FIRST_FOREIGN 0x80000000
#else
#error "filter.c: name the architecture"
#endif

#define NAMESPACES                                                                                                                     \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME)

/* Newer than the C library's headers may be; from 424 on numbers are the same everywhere. */
enum { NR_OPEN_TREE = 428, NR_MOVE_MOUNT, NR_FSOPEN, NR_FSCONFIG, NR_FSMOUNT, NR_FSPICK, NR_PIDFD_OPEN, NR_CLONE3 };
enum { NR_PIDFD_GETFD = 438, NR_PROCESS_MADVISE = 440, NR_MOUNT_SETATTR = 442, NR_QUOTACTL_FD = 443 };

static const unsigned refused[] = {
	/* other processes */
	SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp, NR_PIDFD_OPEN, NR_PIDFD_GETFD, NR_PROCESS_MADVISE,
	/* namespaces, mounts, roots */
	SYS_unshare, SYS_setns, SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, NR_OPEN_TREE, NR_MOVE_MOUNT, NR_FSOPEN, NR_FSCONFIG,
	NR_FSMOUNT, NR_FSPICK, NR_MOUNT_SETATTR, SYS_quotactl, NR_QUOTACTL_FD, SYS_swapon, SYS_swapoff,
	/* around the mounts: an inode by its number */
	SYS_open_by_handle_at, SYS_name_to_handle_at,
	/* sockets: all that it has, it was given */
	SYS_socket, SYS_socketpair, SYS_bind, SYS_listen, SYS_connect, SYS_accept, SYS_accept4,
	/* large pieces of the kernel, and the machine itself */
	SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_add_key,
	SYS_request_key, SYS_keyctl, SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_reboot, SYS_syslog, SYS_acct,
	SYS_settimeofday, SYS_clock_settime, SYS_adjtimex, SYS_clock_adjtime, SYS_sethostname, SYS_setdomainname, SYS_vhangup, SYS_fanotify_init,
#if defined(__x86_64__)
	SYS_iopl, SYS_ioperm, SYS_modify_ldt, SYS_kexec_file_load, SYS_uselib, SYS_ustat, SYS_sysfs,
#endif
};

static void add(struct sock_fprog *p, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	p->filter[p->len++] = (struct sock_filter)BPF_JUMP(code, k, jt, jf);
}

static void load(struct sock_fprog *p, size_t offset)
{
	add(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void give(struct sock_fprog *p, uint32_t action)
{
	add(p, BPF_RET | BPF_K, action, 0, 0);
}

/*
 * What one of them needs all the same. virtiofsd begins with accept(2) and chroot(2), gives up the right to the latter, and loads a filter of its own. A VMM that
 * speaks vhost-user gives its peer the other end of a socketpair(2), which leads nowhere else.
 */
static bool is_refused(enum jail_who who, unsigned nr)
{
	static const struct {
		enum jail_who who;
		unsigned nr;
	} let_through[] = {
		{ JAIL_FILE_SERVER, SYS_accept }, { JAIL_FILE_SERVER, SYS_accept4 }, { JAIL_FILE_SERVER, SYS_chroot },
		{ JAIL_FILE_SERVER, SYS_unshare }, /* refuse_unshare() */
		{ JAIL_VMM_ALONE, SYS_socketpair },
	};

	for (size_t i = 0; i < ARRAY_SIZE(let_through); i++)
		if (let_through[i].who == who && let_through[i].nr == nr)
			return false;
	return true;
}

/* The low half of an argument, where flags are. */
static size_t argument(unsigned i)
{
	return offsetof(struct seccomp_data, args) + i * sizeof(uint64_t) + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0);
}

/* Calls of this machine alone; the number stays in the accumulator. */
static void check_machine(struct sock_fprog *p)
{
	load(p, offsetof(struct seccomp_data, arch));
	add(p, BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
	give(p, SECCOMP_RET_KILL_PROCESS);
	load(p, offsetof(struct seccomp_data, nr));
	add(p, BPF_JMP | BPF_JGE | BPF_K, FIRST_FOREIGN, 0, 1);
	give(p, SECCOMP_RET_KILL_PROCESS);
}

static void refuse(struct sock_fprog *p, unsigned nr, int with)
{
	add(p, BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1);
	give(p, SECCOMP_RET_ERRNO | (uint32_t)with);
}

static void refuse_namespaces(struct sock_fprog *p)
{
	add(p, BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4);
	load(p, argument(0));
	add(p, BPF_JMP | BPF_JSET | BPF_K, NAMESPACES, 0, 1);
	give(p, SECCOMP_RET_ERRNO | EPERM);
	give(p, SECCOMP_RET_ALLOW);
}

/* A working directory of its own for a thread (CLONE_FS), by which virtiofsd names files that have extended attributes. */
static void refuse_unshare(struct sock_fprog *p)
{
	add(p, BPF_JMP | BPF_JEQ | BPF_K, SYS_unshare, 0, 4);
	load(p, argument(0));
	add(p, BPF_JMP | BPF_JEQ | BPF_K, CLONE_FS, 1, 0);
	give(p, SECCOMP_RET_ERRNO | EPERM);
	give(p, SECCOMP_RET_ALLOW);
}

/* The one file that it opens like this is its memory; the 9p server always has O_NOFOLLOW as well. */
static void ask_for_memory(struct sock_fprog *p)
{
	add(p, BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 5);
	load(p, argument(2));
	add(p, BPF_ALU | BPF_AND | BPF_K, ~(uint32_t)(O_CLOEXEC | O_LARGEFILE), 0, 0);
	add(p, BPF_JMP | BPF_JEQ | BPF_K, O_RDWR, 0, 1);
	give(p, SECCOMP_RET_USER_NOTIF);
	give(p, SECCOMP_RET_ALLOW);
}

void filter_make(enum jail_who who, bool notify, struct sock_fprog *ret)
{
	struct sock_fprog p = { .filter = xcalloc(2 * ARRAY_SIZE(refused) + 32, sizeof(*p.filter)) };

	check_machine(&p);
	refuse_namespaces(&p);
	refuse(&p, NR_CLONE3, ENOSYS);
	if (who == JAIL_FILE_SERVER)
		refuse_unshare(&p);
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		if (is_refused(who, refused[i]))
			refuse(&p, refused[i], EPERM);
	if (notify)
		ask_for_memory(&p);
	give(&p, SECCOMP_RET_ALLOW);
	*ret = p;
}
