/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starting the VMM in the jail: a child in pid, ipc, uts and cgroup namespaces of its own (and a network namespace, where the worker's is not empty) that gives
 * up all but what the 9p export needs, one step after the other, and becomes the VMM. What it cannot do is told through a socket that execve(2) closes.
 *
 * It is init of its pid namespace. No signal from inside kills it then, but SIGKILL from outside does, be it ours, pidfd_send_signal(2), or the
 * kernel's when we die (PR_SET_PDEATHSIG; pid_namespaces(7)). Whether we had died before it asked for that, our pidfd says: in its namespace we have
 * no pid.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/process.h"
#include "linux/caps.h"
#include "linux/sys.h"
#include "vmwp/worker.h"

#define BIT(cap) (UINT64_C(1) << (cap))

/*
 * Owners and modes that the guest gives to files, and files that root of the guest may use whoever owns them. CAP_DAC_READ_SEARCH, for which
 * CAP_DAC_OVERRIDE does as well, is left out for what else it allows: open_by_handle_at(2) leads out of any mount. CAP_MKNOD is left out, too: a device
 * node on a share would be one of the host's. So is CAP_SETFCAP: QEMU's 9p server sets no extended attributes but user.* and ACLs (hw/9pfs/9p-xattr.c).
 */
#define CAPABILITIES (BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER) | BIT(CAP_FSETID))

/*
 * virtiofsd becomes who makes a file for the time of the call, goes into the share by chroot(2), and drops from its bounding set what it does not need, that
 * right and the one to do so among it. It has a descriptor for each file that the guest's kernel remembers.
 */
#define FILE_SERVER_CAPABILITIES (CAPABILITIES | BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_SYS_CHROOT) | BIT(CAP_SETPCAP))
enum { FILES_MAX = 65536, FILE_SERVER_FILES_MAX = 1000000, LOCKED_BYTES_MAX = 64 << 10 };

static const struct role {
	uint64_t capabilities;
	uint64_t file_capabilities; /* where the container may set those of files */
	rlim_t files;
	bool leaves_shares; /* into a mount namespace of its own */
} roles[_JAIL_WHO_MAX] = {
	[JAIL_VMM] = { CAPABILITIES, 0, FILES_MAX, false },
	[JAIL_VMM_ALONE] = { 0, 0, FILES_MAX, true },
	[JAIL_FILE_SERVER] = { FILE_SERVER_CAPABILITIES, BIT(CAP_SETFCAP), FILE_SERVER_FILES_MAX, false },
};

/* What the child has beside what it was told. */
struct child {
	const struct jail_start *s;
	struct sock_fprog filter;
	int sock;      /* errors, and the listener, go there */
	int parent_fd; /* our pidfd */
	int proc_fd;   /* its /proc, writable as yet */
};

static int set_signals(_unused_ struct child *c, struct error *err)
{
	sigset_t none;

	for (int sig = 1; sig < _NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) < 0 || setsid() < 0)
		return error_errno(err, "signals and session");
	return 0;
}

/* The program finds /dev/null at 0 and 1. All other descriptors but those that are kept do not reach it. */
static int set_fds(struct child *c, struct error *err)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(c->s->stderr_fd, 2) < 0)
		return error_errno(err, "/dev/null");
	if (sys_close_range(3, ~0U, 4 /* CLOSE_RANGE_CLOEXEC, Linux 5.11 */) < 0)
		return error_errno(err, "close_range");
	for (size_t i = 0; i < c->s->n_keep_fds; i++)
		if (fd_set_cloexec(c->s->keep_fds[i], 0) < 0)
			return error_errno(err, "descriptor %d", c->s->keep_fds[i]);
	return 0;
}

/*
 * Of its processes alone (subset=pid, Linux 5.8): no sysctl, nothing that root can write to. The 9p server needs /proc/self/fd. A user namespace's root gets it only
 * where a whole one is to be seen (mount_too_revealing(), fs/namespace.c): so there it is made in the mount namespace that the worker came from.
 */
static int make_proc(struct child *c, struct error *err)
{
	int r = c->s->mounts_fd < 0 ? 0 : sys_setns(c->s->mounts_fd, CLONE_NEWNS), fs = -1, back = 0;

	if (r == 0)
		r = fs = sys_fsopen("proc");
	if (r >= 0)
		r = sys_fsconfig(fs, FSCONFIG_SET_STRING, "subset", "pid", 0);
	if (r >= 0)
		r = sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	if (r >= 0)
		r = c->proc_fd = sys_fsmount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	fd_close(fs);
	if (c->s->mounts_fd >= 0)
		back = sys_setns(c->parent_fd, CLONE_NEWNS);
	if (r < 0)
		return error_errnum(err, r, "make a /proc");
	return back < 0 ? error_errnum(err, back, "come back to the jail") : 0;
}

/* In a mount namespace of its own, which has no shares then. */
static int leave_shares(struct child *c, struct error *err)
{
	DIR *dir;
	int r;

	if (!roles[c->s->who].leaves_shares)
		return 0;
	r = sys_unshare(CLONE_NEWNS);
	if (r == 0)
		r = sys_mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	dir = r < 0 ? NULL : opendir(JAIL_SHARE_DIR);
	if (r == 0)
		r = dir ? sys_fchdir(dirfd(dir)) : -errno;
	for (struct dirent *e = dir ? readdir(dir) : NULL; r == 0 && e; e = readdir(dir))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			r = sys_umount2(e->d_name, MNT_DETACH | UMOUNT_NOFOLLOW);
	if (dir)
		closedir(dir);
	if (r == 0)
		r = sys_chdir("/");
	return r < 0 ? error_errnum(err, r, "leave the shares") : 0;
}

/* An older one, of a VMM that was here before, has no processes any more. */
static int mount_proc(struct child *c, struct error *err)
{
	int r;

	sys_umount2(JAIL_PROC_DIR, MNT_DETACH);
	r = sys_move_mount(c->proc_fd, "", AT_FDCWD, JAIL_PROC_DIR, MOVE_MOUNT_F_EMPTY_PATH);
	return r < 0 ? error_errnum(err, r, "mount /proc") : 0;
}

/* SELinux: for the next execve(2), proc_pid_attr(5). Whether the policy knows it has been asked before (hyperv/jail.c). */
static int set_label(struct child *c, struct error *err)
{
	const struct mount_attr readonly = { .attr_set = MOUNT_ATTR_RDONLY };
	_cleanup_fd_ int fd = c->s->label ? openat(c->proc_fd, "thread-self/attr/exec", O_WRONLY | O_CLOEXEC) : -1;
	int r;

	if (c->s->label && (fd < 0 || write(fd, c->s->label, strlen(c->s->label) + 1) < 0))
		return error_errno(err, "process.selinuxLabel: cannot set \"%s\"", c->s->label);
	fd = fd_close(fd);
	fd_close(c->proc_fd); /* nothing may be open there for writing */
	r = sys_mount_setattr(AT_FDCWD, JAIL_PROC_DIR, 0, &readonly);
	return r < 0 ? error_errnum(err, r, "make /proc read-only") : 0;
}

static int set_limits(struct child *c, struct error *err)
{
	const struct {
		int resource;
		rlim_t value;
	} limits[] = {
		{ RLIMIT_CORE, 0 }, /* it would be the guest's memory */
		{ RLIMIT_NOFILE, roles[c->s->who].files },
		{ RLIMIT_MEMLOCK, LOCKED_BYTES_MAX },
		{ RLIMIT_MSGQUEUE, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct rlimit l;
		int r = getrlimit((__rlimit_resource_t)limits[i].resource, &l) < 0 ? -errno : 0;

		l.rlim_cur = l.rlim_max = MIN(l.rlim_max, limits[i].value); /* more takes a right that root may not have here */
		if (r == 0)
			r = sys_setrlimit(limits[i].resource, &l);
		if (r < 0)
			return error_errnum(err, r, "limit %d", limits[i].resource);
	}
	return 0;
}

static int set_capabilities(struct child *c, struct error *err)
{
	const struct role *role = &roles[c->s->who];
	const uint64_t few = role->capabilities | (c->s->file_capabilities ? role->file_capabilities : 0);
	const struct caps caps = { .bounding = few, .effective = few, .permitted = few };
	int r = caps_drop_bounding(&caps, err);

	if (r == 0)
		r = caps_apply(&caps, NULL, err);
	if (r < 0)
		return r;
	r = sys_prctl(PR_SET_NO_NEW_PRIVS, 1, 0);
	return r < 0 ? error_errnum(err, r, "no_new_privs") : 0;
}

/* After what changes credentials, which clears it (prctl(2)). */
static int die_with_parent(struct child *c, struct error *err)
{
	struct pollfd p = { .fd = c->parent_fd, .events = POLLIN };
	int r = sys_prctl(PR_SET_PDEATHSIG, SIGKILL, 0);

	if (r < 0)
		return error_errnum(err, r, "parent's death");
	if (poll(&p, 1, 0) != 0)
		_exit(1);
	return 0;
}

static int set_filter(struct child *c, struct error *err)
{
	bool ask = c->s->ask_for_memory;
	int listener = sys_seccomp(SECCOMP_SET_MODE_FILTER, ask ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0, &c->filter), r;

	if (listener < 0)
		return error_errnum(err, listener, "seccomp");
	if (!ask)
		return 0;
	r = fd_send(c->sock, "", 1, &listener, 1);
	return r < 0 ? error_errnum(err, r, "hand over the listener") : 0;
}

static _noreturn_ void child(struct child *c)
{
	static int (*const steps[])(struct child *c, struct error *err) = {
		set_signals, set_fds, make_proc, leave_shares, mount_proc, set_label, set_limits, set_capabilities, die_with_parent, set_filter,
	};
	char *const environment[] = { NULL };
	struct error err;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(steps); i++)
		r = steps[i](c, &err);
	if (r >= 0) {
		execve(c->s->argv[0], c->s->argv, environment);
		error_errno(&err, "execve");
	}
	fd_write_all(c->sock, &err, sizeof(err));
	_exit(127);
}

/* One byte with the listener, an error, or, when the VMM runs, nothing any more. */
static int await_exec(int sock, int *ret_listener, struct error *err)
{
	for (;;) {
		char buf[sizeof(*err)];
		size_t n_fds = 0;
		int fd = -1;
		ssize_t n = fd_recv(sock, buf, sizeof(buf), &fd, 1, &n_fds);

		if (n == 0)
			return 0;
		if (n < 0)
			return error_errnum(err, (int)n, "recvmsg");
		if (n_fds == 1) {
			fd_close(*ret_listener);
			*ret_listener = fd;
		} else if (n == sizeof(*err)) {
			*err = *(struct error *)(void *)buf;
			return -err->code;
		}
	}
}

static int start(const struct child *c, int peer, int *ret_pidfd, struct error *err)
{
	const struct sys_clone clone = {
		.flags = CLONE_PIDFD | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP |
			 (c->s->new_network ? CLONE_NEWNET : 0),
		.pidfd = ret_pidfd,
	};
	struct child own = *c;
	pid_t pid = sys_clone3(&clone);

	if (pid < 0)
		return error_errnum(err, pid, "clone");
	if (pid == 0) {
		fd_close(peer);
		child(&own);
	}
	return pid;
}

int jail_start(const struct jail_start *s, pid_t *ret_pid, int *ret_pidfd, int *ret_listener, struct error *err)
{
	struct sock_fprog filter;
	_cleanup_fd_ int pidfd = -1, listener = -1, own = process_pidfd_open(getpid());
	int pair[2], status, pid, r;

	if (own < 0)
		return error_errnum(err, own, "pidfd_open");
	r = fd_socketpair(SOCK_STREAM, pair);
	if (r < 0)
		return error_errnum(err, r, "socketpair");
	filter_make(s->who, s->ask_for_memory, &filter);
	pid = start(&(struct child){ .s = s, .filter = filter, .sock = pair[1], .parent_fd = own, .proc_fd = -1 }, pair[0], &pidfd, err);
	fd_close(pair[1]);
	r = pid < 0 ? pid : await_exec(pair[0], &listener, err);
	fd_close(pair[0]);
	free(filter.filter);
	if (r < 0) {
		if (pid > 0)
			process_wait(pid, &status);
		return r;
	}
	*ret_pid = pid;
	*ret_pidfd = TAKE_FD(pidfd);
	*ret_listener = TAKE_FD(listener);
	return 0;
}
