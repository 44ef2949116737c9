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
};

/*
 * Makes the process, always as a direct child of the caller, so that it becomes the child of a subreaper
 * above when the caller exits. Signal dispositions are reset in it. Returns 0 and *ret (the pidfd is the
 * caller's), or < 0 and there is no process.
 */
int spawn_process(const struct spawn *s, struct spawned *ret, struct error *err);

/* Kills it and waits until it is gone: the undo of spawn_process(). */
void spawned_kill(struct spawned *p);

#endif
