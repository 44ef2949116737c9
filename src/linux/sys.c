/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's door: one line for each call, through syscall(2) where C libraries differ in what they wrap
 * (or cache, or apply to all threads). Async-signal-safe, so that all of it may run between clone and exec.
 */
#include "linux/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int ret(long r)
{
	return r < 0 ? -errno : (int)r;
}

pid_t sys_clone3(const struct sys_clone *c)
{
	struct clone_args args = {
		.flags = c->flags,
		.pidfd = (uintptr_t)c->pidfd,
		.exit_signal = c->flags & CLONE_PARENT ? 0 : SIGCHLD,
		.cgroup = c->flags & CLONE_INTO_CGROUP ? (uint64_t)c->cgroup_fd : 0,
	};
	/* a kernel before 5.7 knows the struct up to set_tid_size at most */
	size_t size = c->flags & CLONE_INTO_CGROUP ? sizeof(args) : CLONE_ARGS_SIZE_VER0;

	return ret(syscall(SYS_clone3, &args, size));
}

int sys_setns(int fd, int types)
{
	return ret(syscall(SYS_setns, fd, types));
}

int sys_unshare(int flags)
{
	return ret(syscall(SYS_unshare, flags));
}

int sys_pidfd_open(pid_t pid)
{
	return ret(syscall(SYS_pidfd_open, pid, 0));
}

int sys_pidfd_send_signal(int pidfd, int sig)
{
	return ret(syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0));
}

int sys_pidfd_getfd(int pidfd, int fd)
{
	return ret(syscall(SYS_pidfd_getfd, pidfd, fd, 0));
}

int sys_close_range(unsigned first, unsigned last, unsigned flags)
{
	return ret(syscall(SYS_close_range, first, last, flags));
}

int sys_prctl(int option, unsigned long arg2, unsigned long arg3)
{
	return ret(prctl(option, arg2, arg3, 0, 0));
}

int sys_sethostname(const char *name, size_t len)
{
	return ret(sethostname(name, len));
}

int sys_setdomainname(const char *name, size_t len)
{
	return ret(setdomainname(name, len));
}

int sys_setgroups(size_t n, const gid_t *gids)
{
	return ret(syscall(SYS_setgroups, n, gids));
}

int sys_setresgid(gid_t gid)
{
	return ret(syscall(SYS_setresgid, gid, gid, gid));
}

int sys_setresuid(uid_t uid)
{
	return ret(syscall(SYS_setresuid, uid, uid, uid));
}

int sys_setsid(void)
{
	return ret(setsid());
}

int sys_execve(const char *path, char *const *argv, char *const *envp)
{
	return ret(execve(path, argv, envp));
}

long sys_keyctl(int cmd, unsigned long arg2, unsigned long arg3, unsigned long arg4)
{
	return ret(syscall(SYS_keyctl, cmd, arg2, arg3, arg4, 0));
}

int sys_capget(uint64_t *permitted)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	*permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	return 0;
}

int sys_capset(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{ (uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable },
		{ (uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), (uint32_t)(inheritable >> 32) },
	};

	return ret(syscall(SYS_capset, &header, data));
}

int sys_seccomp(unsigned operation, unsigned flags, const void *args)
{
	return ret(syscall(SYS_seccomp, operation, flags, args));
}

int sys_setrlimit(int resource, const struct rlimit *limit)
{
	return ret(setrlimit(resource, limit));
}

int sys_sched_getaffinity(unsigned long *mask, size_t size)
{
	return ret(syscall(SYS_sched_getaffinity, 0, size, mask));
}

int sys_sched_setaffinity(const unsigned long *mask, size_t size)
{
	return ret(syscall(SYS_sched_setaffinity, 0, size, mask));
}

int sys_sched_setattr(const void *attr)
{
	return ret(syscall(SYS_sched_setattr, 0, attr, 0));
}

int sys_ioprio_set(int value)
{
	return ret(syscall(SYS_ioprio_set, 1 /* IOPRIO_WHO_PROCESS */, 0, value));
}

int sys_set_mempolicy(int mode, const unsigned long *nodes, unsigned long n_bits)
{
	return ret(syscall(SYS_set_mempolicy, mode, nodes, n_bits));
}

int sys_personality(unsigned long persona)
{
	return ret(personality(persona));
}

int sys_bpf(int cmd, const void *attr, size_t size)
{
	return ret(syscall(SYS_bpf, cmd, attr, size));
}

int sys_openat2(int dirfd, const char *path, const struct open_how *how)
{
	return ret(syscall(SYS_openat2, dirfd, path, how, sizeof(*how)));
}

int sys_openat(int dirfd, const char *path, int flags, mode_t mode)
{
	return ret(openat(dirfd, path, flags, mode));
}

int sys_statx(int dirfd, const char *path, int flags, unsigned mask, struct statx *stx)
{
	return ret(statx(dirfd, path, flags, mask, stx));
}

int sys_mkdirat(int dirfd, const char *name, mode_t mode)
{
	return ret(mkdirat(dirfd, name, mode));
}

int sys_mknodat(int dirfd, const char *name, mode_t mode, dev_t dev)
{
	return ret(mknodat(dirfd, name, mode, dev));
}

int sys_symlinkat(const char *target, int dirfd, const char *name)
{
	return ret(symlinkat(target, dirfd, name));
}

int sys_unlinkat(int dirfd, const char *name, int flags)
{
	return ret(unlinkat(dirfd, name, flags));
}

int sys_fchownat(int dirfd, const char *name, uid_t uid, gid_t gid, int flags)
{
	return ret(fchownat(dirfd, name, uid, gid, flags));
}

int sys_fchmodat(int dirfd, const char *name, mode_t mode)
{
	return ret(fchmodat(dirfd, name, mode, 0));
}

int sys_chdir(const char *path)
{
	return ret(chdir(path));
}

int sys_fchdir(int fd)
{
	return ret(fchdir(fd));
}

int sys_chroot(const char *path)
{
	return ret(chroot(path));
}

int sys_ioctl(int fd, unsigned long request, unsigned long arg)
{
	return ret(ioctl(fd, request, arg));
}

int sys_open_tree(int dirfd, const char *path, unsigned flags)
{
	return ret(syscall(SYS_open_tree, dirfd, path, flags | OPEN_TREE_CLOEXEC));
}

int sys_move_mount(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	return ret(syscall(SYS_move_mount, from_fd, from, to_fd, to, flags));
}

int sys_fsopen(const char *fstype)
{
	return ret(syscall(SYS_fsopen, fstype, FSOPEN_CLOEXEC));
}

int sys_fspick(int dirfd, const char *path, unsigned flags)
{
	return ret(syscall(SYS_fspick, dirfd, path, flags | FSPICK_CLOEXEC));
}

int sys_fsconfig(int fd, unsigned cmd, const char *key, const char *value, int aux)
{
	return ret(syscall(SYS_fsconfig, fd, cmd, key, value, aux));
}

int sys_fsmount(int fd, uint64_t attributes)
{
	return ret(syscall(SYS_fsmount, fd, FSMOUNT_CLOEXEC, attributes));
}

int sys_mount_setattr(int dirfd, const char *path, unsigned flags, const struct mount_attr *attr)
{
	return ret(syscall(SYS_mount_setattr, dirfd, path, flags, attr, sizeof(*attr)));
}

int sys_mount(const char *source, const char *target, const char *fstype, unsigned long flags,
	      const char *data)
{
	return ret(mount(source, target, fstype, flags, data));
}

int sys_umount2(const char *target, int flags)
{
	return ret(umount2(target, flags));
}

int sys_pivot_root(const char *new_root, const char *put_old)
{
	return ret(syscall(SYS_pivot_root, new_root, put_old));
}
