/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_SYS_H
#define HV_LINUX_SYS_H

#include <linux/openat2.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>

/*
 * Every Linux-specific call as a one-line wrapper that returns a value >= 0 or -errno, so that tests link
 * tests/fake/sys.c in its place. Fds that these return are CLOEXEC. Section 2 of the manual says what each
 * does; the kernel that first had it is noted.
 */

/* What the C library's headers may be too old to define. */
#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000 /* 5.14 */
#endif
#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL /* 5.5 */
#endif
#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL /* 5.7 */
#endif
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080 /* 5.6 */
#endif

/* clone3(2), 5.3: what of struct clone_args is used. exit_signal is SIGCHLD, or the caller's own with
 * CLONE_PARENT. */
struct sys_clone {
	uint64_t flags;
	int *pidfd;    /* CLONE_PIDFD: where to store it */
	int cgroup_fd; /* CLONE_INTO_CGROUP */
};

/* processes and namespaces */
pid_t sys_clone3(const struct sys_clone *args);
int sys_setns(int fd, int types); /* 5.8 for a pidfd */
int sys_unshare(int flags);
int sys_pidfd_open(pid_t pid);                                      /* 5.3 */
int sys_pidfd_send_signal(int pidfd, int sig);                      /* 5.1 */
int sys_pidfd_getfd(int pidfd, int fd); /* 5.6 */
int sys_close_range(unsigned first, unsigned last, unsigned flags); /* 5.9; CLOSE_RANGE_CLOEXEC 5.11 */
int sys_prctl(int option, unsigned long arg2, unsigned long arg3);
int sys_sethostname(const char *name, size_t len);
int sys_setdomainname(const char *name, size_t len);
int sys_setgroups(size_t n, const gid_t *gids);
int sys_setresgid(gid_t gid);
int sys_setresuid(uid_t uid);
int sys_setsid(void);
int sys_execve(const char *path, char *const *argv, char *const *envp);
long sys_keyctl(int cmd, unsigned long arg2, unsigned long arg3, unsigned long arg4);

/* what a process may do and get; thread 0 = the caller */
int sys_capget(uint64_t *permitted);
int sys_capset(uint64_t effective, uint64_t permitted, uint64_t inheritable);
int sys_seccomp(unsigned operation, unsigned flags, const void *args); /* 3.17 */
int sys_setrlimit(int resource, const struct rlimit *limit);
int sys_sched_getaffinity(unsigned long *mask, size_t size);
int sys_sched_setaffinity(const unsigned long *mask, size_t size);
int sys_sched_setattr(const void *attr); /* struct sched_attr; 3.14 */
int sys_ioprio_set(int value);
int sys_set_mempolicy(int mode, const unsigned long *nodes, unsigned long n_bits);
int sys_personality(unsigned long persona);
int sys_bpf(int cmd, const void *attr, size_t size); /* union bpf_attr; 3.18 */

/* files */
int sys_openat2(int dirfd, const char *path, const struct open_how *how); /* 5.6 */
int sys_openat(int dirfd, const char *path, int flags, mode_t mode);
int sys_statx(int dirfd, const char *path, int flags, unsigned mask,
	      struct statx *ret); /* 4.11; mount id 5.8 */
int sys_mkdirat(int dirfd, const char *name, mode_t mode);
int sys_mknodat(int dirfd, const char *name, mode_t mode, dev_t dev);
int sys_symlinkat(const char *target, int dirfd, const char *name);
int sys_unlinkat(int dirfd, const char *name, int flags);
int sys_fchownat(int dirfd, const char *name, uid_t uid, gid_t gid, int flags);
int sys_fchmodat(int dirfd, const char *name, mode_t mode);
int sys_chdir(const char *path);
int sys_fchdir(int fd);
int sys_chroot(const char *path);
int sys_ioctl(int fd, unsigned long request, unsigned long arg);

/* mounts */
int sys_open_tree(int dirfd, const char *path, unsigned flags);                                    /* 5.2 */
int sys_move_mount(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);      /* 5.2 */
int sys_fsopen(const char *fstype);                                                                /* 5.2 */
int sys_fspick(int dirfd, const char *path, unsigned flags);                                       /* 5.2 */
int sys_fsconfig(int fd, unsigned cmd, const char *key, const char *value, int aux);               /* 5.2 */
int sys_fsmount(int fd, uint64_t attributes);                                                      /* 5.2 */
int sys_mount_setattr(int dirfd, const char *path, unsigned flags, const struct mount_attr *attr); /* 5.12 */
int sys_mount(const char *source, const char *target, const char *fstype, unsigned long flags,
	      const char *data);
int sys_umount2(const char *target, int flags);
int sys_pivot_root(const char *new_root, const char *put_old);

#endif
