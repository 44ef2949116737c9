/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_NATIVE_SPAWN_H
#define HV_NATIVE_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* A process to be born in namespaces and a cgroup. */
struct spawn {
	uint64_t flags; /* CLONE_NEW* of the namespaces made for it */
	int cgroup_fd;  /* born there (CLONE_INTO_CGROUP) where that may be; -1 = in the caller's group */
	int pidns_fd;   /* born in that pid namespace: its fd, or a pidfd; -1 = the caller's or a new one */
	int procfs_fd;
	/* joined in this order by a process in between before the child is made; none: there is no such
	 * process */
	struct {
		int fd, type;
	} early[8];
	size_t n_early;
	/* runs in the child; when it returns, the child exits with status 1. in_cgroup: born in cgroup_fd; else the parent has
	 * to move it, and it has to wait for that (spawned.in_cgroup says the same to the parent) */
	void (*child)(void *arg, bool in_cgroup);
	void *arg;
};

struct spawned {
	pid_t pid;
	int pidfd;
	bool in_cgroup; /* false: still to be moved */
	volatile char *alive; /* a shared page where the child, born in a group, says that it runs; NULL when it need not */
};

/*
 * Makes the process, always as a direct child of the caller, so that it becomes the child of a subreaper
 * above when the caller exits. Signal dispositions are reset in it. Returns 0 and *ret, for spawned_done(), or < 0 and there is no process.
 */
int spawn_process(const struct spawn *s, struct spawned *ret, struct error *err);

/* Kills it and waits until it is gone: the undo of spawn_process(). */
void spawned_kill(struct spawned *p);

/*
 * Whether it was killed by its birth. Linux 6.18 does that to whoever clone3(2) puts into a group where cgroup.kill has been written to more
 * or less often than in the caller's own (kernel/cgroup/cgroup.c, cgroup_post_fork(): kill_seq), and both counts are nobody's to read: a new
 * group has 0, a caller's that a service manager has used before has not. True only when no instruction of the child's has run, so that to
 * make it once more, with cgroup_fd -1, is as good as the first time. Waits until the child has run or has ended.
 */
bool spawned_dead(const struct spawned *p);

/* Lets go of what the parent has of it. NULL-safe as to the fields; done again does nothing. */
void spawned_done(struct spawned *p);

#endif
