/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Birth of a container process: one clone3(2) straight into all new namespaces and, where the hierarchy
 * allows it, the cgroup. An existing pid namespace is for children only, so the parent steps into it for the
 * length of the call. Only where the order of namespaces cannot be had otherwise (joining beside a new or
 * joined user namespace, or without privileges) is there a process in between: it joins, makes the child with
 * CLONE_PARENT, says its pid and is gone.
 */
#include "native/spawn.h"

#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/process.h"
#include "linux/namespace.h"
#include "linux/sys.h"
#include "native/sync.h"

/* Ignored signals stay ignored over execve(2), blocked ones blocked: neither is the container's business. */
static void reset_signals(void)
{
	const struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int sig = 1; sig <= SIGRTMAX; sig++)
		sigaction(sig, &dfl, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* A page that stays shared over clone3(2); without one nobody can be sure, so nobody is born in a group. */
static volatile char *shared_flag(void)
{
	void *p = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static _noreturn_ void run_child(const struct spawn *s, const struct spawned *p, bool in_cgroup)
{
	if (p->alive)
		*p->alive = 1;
	reset_signals();
	s->child(s->arg, in_cgroup);
	_exit(1);
}

/*
 * What clone3(2) answers when only CLONE_INTO_CGROUP is in the way: kernels before 5.7 do not know it, and it takes the same right as
 * moving a process, to write to the group that is above both, which a user without privileges has in a delegated tree only (EACCES);
 * and a process between that has joined the container's cgroup namespace is itself not below its root (ENOENT, with nsdelegate).
 */
static bool may_go_without_cgroup(pid_t pid)
{
	return pid == -EINVAL || pid == -E2BIG || pid == -EACCES || pid == -ENOENT;
}

/* Returns the child's pid in the parent; never in the child. */
static pid_t clone_child(const struct spawn *s, uint64_t flags, struct spawned *p)
{
	struct sys_clone c = { .flags = s->flags | flags, .pidfd = &p->pidfd, .cgroup_fd = s->cgroup_fd };
	pid_t pid;

	if (p->alive)
		c.flags |= CLONE_INTO_CGROUP;
	pid = sys_clone3(&c);
	if (p->alive && may_go_without_cgroup(pid)) {
		c.flags &= ~CLONE_INTO_CGROUP;
		pid = sys_clone3(&c);
	}
	if (pid == 0)
		run_child(s, p, c.flags & CLONE_INTO_CGROUP);
	p->in_cgroup = c.flags & CLONE_INTO_CGROUP;
	return pid;
}

/* r is what clone3(2) says when it fails. EOPNOTSUPP is about the group, which has no parent that could say so before. */
static int clone_failed(const struct spawn *s, int r, struct error *err)
{
	if (r == -EOPNOTSUPP && s->cgroup_fd >= 0)
		return error_set(err, EOPNOTSUPP, "clone3: the container's cgroup cannot have processes, because a group above it has processes of its "
				 "own and controllers for the groups below (cgroups(7)): move these processes into a group beside the container's");
	return error_errnum(err, r, "clone3");
}

static int spawn_direct(const struct spawn *s, struct spawned *p, struct error *err)
{
	int own_pidns, r = namespace_enter_pid(s->procfs_fd, s->pidns_fd, &own_pidns, err);

	if (r < 0)
		return r;
	p->pid = clone_child(s, CLONE_PIDFD, p);
	namespace_leave_pid(&own_pidns);
	return p->pid < 0 ? clone_failed(s, p->pid, err) : 0;
}

/* In the process between: nothing returns from here. */
static _noreturn_ void run_middle(const struct spawn *s, volatile char *alive, int fd)
{
	struct spawned p = { .pidfd = -1, .alive = alive };
	struct error err = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->n_early; i++) {
		r = sys_setns(s->early[i].fd, s->early[i].type);
		if (r < 0)
			error_errnum(&err, r, "join the %s namespace",
				     namespace_type(s->early[i].type)->name);
	}
	if (r == 0) {
		r = clone_child(s, CLONE_PARENT, &p);
		if (r < 0)
			clone_failed(s, r, &err);
	}
	if (r < 0)
		sync_send_error(fd, &err);
	else
		sync_send(fd, SYNC_CHILD, p.in_cgroup ? r : -r, &err);
	_exit(r < 0);
}

static int spawn_through_middle(const struct spawn *s, struct spawned *p, struct error *err)
{
	_cleanup_fd_ int ours = -1, theirs = -1;
	struct sys_clone c = { 0 };
	int pair[2], status;
	pid_t middle;
	int r = fd_socketpair(SOCK_SEQPACKET, pair);

	if (r < 0)
		return error_errnum(err, r, "socketpair");
	ours = pair[0];
	theirs = pair[1];
	middle = sys_clone3(&c);
	if (middle < 0)
		return error_errnum(err, middle, "clone3");
	if (middle == 0)
		run_middle(s, p->alive, theirs);
	theirs = fd_close(theirs);
	/* first its end, then its word: the child has the same socket, and must not keep us waiting */
	r = process_wait(middle, &status);
	if (r < 0)
		return error_errnum(err, r, "wait for the process that joins namespaces");
	r = fd_set_nonblock(ours, 1);
	if (r == 0)
		r = sync_expect(ours, SYNC_CHILD, &p->pid, err);
	if (r < 0)
		return r;
	p->in_cgroup = p->pid > 0;
	p->pid = abs(p->pid);
	p->pidfd = sys_pidfd_open(p->pid);
	return p->pidfd < 0 ? error_errnum(err, p->pidfd, "pidfd_open") : 0;
}

int spawn_process(const struct spawn *s, struct spawned *ret, struct error *err)
{
	struct spawned p = { .pidfd = -1, .alive = s->cgroup_fd >= 0 ? shared_flag() : NULL };
	int r = s->n_early ? spawn_through_middle(s, &p, err) : spawn_direct(s, &p, err);

	if (r < 0) {
		spawned_kill(&p);
		spawned_done(&p);
		return r;
	}
	*ret = p;
	return 0;
}

void spawned_kill(struct spawned *p)
{
	int status;

	if (p->pid > 0) {
		if (p->pidfd >= 0)
			sys_pidfd_send_signal(p->pidfd, SIGKILL);
		else
			kill(p->pid, SIGKILL);
		process_wait(p->pid, &status);
	}
	p->pidfd = fd_close(p->pidfd);
	p->pid = 0;
}

/* One that has not run yet may just be waiting for a processor: either word is waited for. */
bool spawned_dead(const struct spawned *p)
{
	enum { STEP_MS = 5, PATIENCE_MS = 10000 };
	int r = -ETIMEDOUT;

	if (!p->in_cgroup || !p->alive)
		return false;
	for (int ms = 0; ms < PATIENCE_MS && !*p->alive && r == -ETIMEDOUT; ms += STEP_MS)
		r = process_pidfd_wait(p->pidfd, STEP_MS);
	return r != -ETIMEDOUT && !*p->alive;
}

void spawned_done(struct spawned *p)
{
	p->pidfd = fd_close(p->pidfd);
	if (p->alive)
		munmap((void *)p->alive, 1);
	p->alive = NULL;
}
