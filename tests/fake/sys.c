/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The fake kernel behind src/linux/sys.h: what would be asked of the real one, in which order, and what
 * happens when it says no. */
#include "fake/sys.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "linux/sys.h"

static char text[65536];
static size_t length, last;
static unsigned calls, fail_at;
static int failure;

void fake_reset(unsigned at, int error)
{
	length = last = 0;
	text[0] = '\0';
	calls = 0;
	fail_at = at;
	failure = error;
}

unsigned fake_calls(void)
{
	return calls;
}

const char *fake_log(void)
{
	return text;
}

const char *fake_last(void)
{
	return text + last;
}

static int note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static int note(const char *fmt, ...)
{
	va_list ap;

	if (length > 0 && length + 1 < sizeof(text)) {
		text[length++] = '\n';
		text[length] = '\0';
	}
	last = length;
	va_start(ap, fmt);
	vsnprintf(text + length, sizeof(text) - length, fmt, ap);
	va_end(ap);
	length += strlen(text + length);
	return ++calls == fail_at ? -failure : 0;
}

static int note_fd(int r)
{
	return r < 0 ? r : open("/dev/null", O_RDWR | O_CLOEXEC);
}

pid_t sys_clone3(const struct sys_clone *c)
{
	int r = note("clone3 %#llx", (unsigned long long)c->flags);

	if (r == 0 && (c->flags & CLONE_PIDFD))
		*c->pidfd = note_fd(0);
	return r < 0 ? r : 4242;
}

int sys_setns(int fd, int types)
{
	(void)fd;
	return note("setns %#x", (unsigned)types);
}

int sys_unshare(int flags)
{
	return note("unshare %#x", (unsigned)flags);
}

int sys_pidfd_open(pid_t pid)
{
	return note_fd(note("pidfd_open %d", (int)pid));
}

int sys_pidfd_send_signal(int pidfd, int sig)
{
	(void)pidfd;
	return note("pidfd_send_signal %d", sig);
}

int sys_pidfd_getfd(int pidfd, int fd)
{
	return note_fd(note("pidfd_getfd %d %d", pidfd, fd));
}

int sys_close_range(unsigned first, unsigned end, unsigned flags)
{
	return note("close_range %u %u %u", first, end, flags);
}

int sys_prctl(int option, unsigned long arg2, unsigned long arg3)
{
	return note("prctl %d %lu %lu", option, arg2, arg3);
}

int sys_sethostname(const char *name, size_t len)
{
	return note("sethostname %.*s", (int)len, name);
}

int sys_setdomainname(const char *name, size_t len)
{
	return note("setdomainname %.*s", (int)len, name);
}

int sys_setgroups(size_t n, const gid_t *gids)
{
	return note("setgroups %zu %u", n, n ? gids[0] : 0);
}

int sys_setresgid(gid_t gid)
{
	return note("setresgid %u", gid);
}

int sys_setresuid(uid_t uid)
{
	return note("setresuid %u", uid);
}

int sys_setsid(void)
{
	return note("setsid");
}

int sys_execve(const char *path, char *const *argv, char *const *envp)
{
	(void)argv;
	(void)envp;
	return note("execve %s", path);
}

long sys_keyctl(int cmd, unsigned long arg2, unsigned long arg3, unsigned long arg4)
{
	(void)arg2;
	(void)arg3;
	(void)arg4;
	return note("keyctl %d", cmd);
}

int sys_capget(uint64_t *permitted)
{
	*permitted = ~UINT64_C(0);
	return note("capget");
}

int sys_capset(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
	return note("capset %llx %llx %llx", (unsigned long long)effective, (unsigned long long)permitted,
		    (unsigned long long)inheritable);
}

int sys_seccomp(unsigned operation, unsigned flags, const void *args)
{
	(void)args;
	return note("seccomp %u %u", operation, flags);
}

int sys_setrlimit(int resource, const struct rlimit *limit)
{
	return note("setrlimit %d %llu", resource, (unsigned long long)limit->rlim_cur);
}

int sys_sched_getaffinity(unsigned long *mask, size_t size)
{
	(void)mask;
	(void)size;
	return note("sched_getaffinity");
}

int sys_sched_setaffinity(const unsigned long *mask, size_t size)
{
	(void)mask;
	(void)size;
	return note("sched_setaffinity");
}

int sys_sched_setattr(const void *attr)
{
	(void)attr;
	return note("sched_setattr");
}

int sys_ioprio_set(int value)
{
	return note("ioprio_set %d", value);
}

int sys_set_mempolicy(int mode, const unsigned long *nodes, unsigned long n_bits)
{
	(void)nodes;
	return note("set_mempolicy %d %lu", mode, n_bits);
}

int sys_personality(unsigned long persona)
{
	return note("personality %lu", persona);
}

int sys_bpf(int cmd, const void *attr, size_t size)
{
	(void)attr;
	return note("bpf %d %zu", cmd, size);
}

int sys_openat2(int dirfd, const char *path, const struct open_how *how)
{
	(void)dirfd;
	return note_fd(note("openat2 %s resolve %#llx", path, (unsigned long long)how->resolve));
}

int sys_openat(int dirfd, const char *path, int flags, mode_t mode)
{
	(void)dirfd;
	(void)flags;
	(void)mode;
	return note_fd(note("openat %s", path));
}

int sys_statx(int dirfd, const char *path, int flags, unsigned mask, struct statx *ret)
{
	(void)dirfd;
	(void)flags;
	(void)mask;
	memset(ret, 0, sizeof(*ret));
	return note("statx %s", path);
}

int sys_mkdirat(int dirfd, const char *name, mode_t mode)
{
	(void)dirfd;
	return note("mkdirat %s %04o", name, (unsigned)mode);
}

int sys_mknodat(int dirfd, const char *name, mode_t mode, dev_t dev)
{
	(void)dirfd;
	return note("mknodat %s %o %llu", name, (unsigned)mode, (unsigned long long)dev);
}

int sys_symlinkat(const char *target, int dirfd, const char *name)
{
	(void)dirfd;
	return note("symlinkat %s %s", target, name);
}

int sys_unlinkat(int dirfd, const char *name, int flags)
{
	(void)dirfd;
	return note("unlinkat %s %d", name, flags);
}

int sys_fchownat(int dirfd, const char *name, uid_t uid, gid_t gid, int flags)
{
	(void)dirfd;
	(void)flags;
	return note("fchownat %s %u %u", name, uid, gid);
}

int sys_fchmodat(int dirfd, const char *name, mode_t mode)
{
	(void)dirfd;
	return note("fchmodat %s %04o", name, (unsigned)mode);
}

int sys_chdir(const char *path)
{
	return note("chdir %s", path);
}

int sys_fchdir(int fd)
{
	(void)fd;
	return note("fchdir");
}

int sys_chroot(const char *path)
{
	return note("chroot %s", path);
}

int sys_ioctl(int fd, unsigned long request, unsigned long arg)
{
	(void)fd;
	(void)arg;
	return note("ioctl %#lx", request);
}

int sys_open_tree(int dirfd, const char *path, unsigned flags)
{
	(void)dirfd;
	return note_fd(note("open_tree %s %#x", path, flags));
}

int sys_move_mount(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	(void)from_fd;
	(void)from;
	(void)to_fd;
	(void)to;
	return note("move_mount %#x", flags);
}

int sys_fsopen(const char *fstype)
{
	return note_fd(note("fsopen %s", fstype));
}

int sys_fspick(int dirfd, const char *path, unsigned flags)
{
	(void)dirfd;
	return note_fd(note("fspick %s %#x", path, flags));
}

int sys_fsconfig(int fd, unsigned cmd, const char *key, const char *value, int aux)
{
	(void)fd;
	(void)aux;
	return note("fsconfig %u %s %s", cmd, key ? key : "-", value ? value : "-");
}

int sys_fsmount(int fd, uint64_t attributes)
{
	(void)fd;
	return note_fd(note("fsmount %#llx", (unsigned long long)attributes));
}

int sys_mount_setattr(int dirfd, const char *path, unsigned flags, const struct mount_attr *attr)
{
	(void)dirfd;
	(void)path;
	return note("mount_setattr %#x +%#llx -%#llx propagation %#llx", flags,
		    (unsigned long long)attr->attr_set, (unsigned long long)attr->attr_clr,
		    (unsigned long long)attr->propagation);
}

int sys_mount(const char *source, const char *target, const char *fstype, unsigned long flags,
	      const char *data)
{
	(void)source;
	(void)data;
	return note("mount %s %s %#lx", target, fstype ? fstype : "-", flags);
}

int sys_umount2(const char *target, int flags)
{
	return note("umount2 %s %d", target, flags);
}

int sys_pivot_root(const char *new_root, const char *put_old)
{
	return note("pivot_root %s %s", new_root, put_old);
}
