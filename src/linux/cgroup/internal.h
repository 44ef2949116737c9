/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_CGROUP_INTERNAL_H
#define HV_LINUX_CGROUP_INTERNAL_H

#include "linux/cgroup/cgroup.h"
#include "linux/cgroup/resources.h"

/* The systemd unit that a group is (manager-systemd.h). */
struct cgroup_unit {
	char *name; /* NULL: systemd has nothing to do with it */
	bool user;  /* of the user's own systemd */
	bool made;  /* we started it, and stop it */
	pid_t holder;
};

struct cgroup {
	enum cgroup_mode mode;
	struct cgroup_hierarchy *h;
	size_t n;
	struct cgroup_unit unit;
	struct cgroup_hierarchy leaf; /* below v2's: where the processes are; dir NULL: in the group itself */
	bool found; /* cgroup_create() has found v2's group there, whatever had been done to it */
};

enum {
	CGROUP_TEXT_MAX = 16 << 20, /* of a cgroup file: a list of four million pids is 30 MB, and an error */
	CGROUP_WAIT_MS = 10000,     /* how long the kernel may take to kill, freeze or empty a group */
};

/* Appends a hierarchy; takes the strings and dirfd, which is negative where the directory is missing or not made yet. Returns it. */
struct cgroup_hierarchy *cgroup_add_hierarchy(struct cgroup *cg, char *controllers, char *mount_point,
					      char *dir, int dirfd);

/* Makes dir, which it takes and opens, the one below v2's that processes are in; made: 1 when it is ours to remove. */
void cgroup_set_leaf(struct cgroup *cg, char *dir, unsigned made);

/* The v2 hierarchy, or NULL. */
const struct cgroup_hierarchy *cgroup_v2(const struct cgroup *cg);

/* The hierarchy that has the controller in that version, or NULL. For v2 there is only one. */
const struct cgroup_hierarchy *cgroup_find(const struct cgroup *cg, enum cgroup_version v,
					   const char *controller);

/* The one to ask for processes: v2, else the freezer's (it can be stopped while one looks), else any; NULL
 * without directories. */
const struct cgroup_hierarchy *cgroup_main(const struct cgroup *cg);

/* "key value" lines, as of cgroup.events and memory.events: the value of key in dirfd's file, or -ENOENT. */
int cgroup_read_key(int dirfd, const char *file, const char *key, uint64_t *ret);

/*
 * Waits until key in the v2 group's cgroup.events has the value: the kernel wakes whoever polls the file. A group that is gone, before
 * the file is opened (ENOENT) or after (ENODEV), is 0 as well, there is nothing to wait for: systemd removes a scope as soon as it is
 * empty, and so may anybody. Returns 0, -ETIMEDOUT after timeout_ms, or another -errno.
 */
int cgroup_wait_event(int dirfd, const char *key, uint64_t value, int timeout_ms);

/* Milliseconds of CLOCK_MONOTONIC, for deadlines. */
int64_t cgroup_now_ms(void);

/* Those that its hierarchy has, which it may not have been given. free()d by the caller. */
char *cgroup_read_offered(const struct cgroup_hierarchy *h);

/* Has the groups above a v2 group pass on the controllers that the writes need and it has not. One that does not come is an error. */
int cgroup_enable(const struct cgroup_hierarchy *h, const struct cgroup_writes *writes, struct error *err);

/* The controllers that a v2 group was given, "cpu,memory,pids", or NULL. free()d by the caller. */
char *cgroup_read_controllers(int dirfd);

/* Does the writes (apply.c). */
int cgroup_apply(const struct cgroup *cg, const struct cgroup_writes *writes, struct error *err);

/* All processes of a directory and those below it. Returns 0 with *ret for free(), or -errno. */
int cgroup_collect_pids(int dirfd, pid_t **ret, size_t *ret_n);

/* Calls f for every directory below dirfd, deeper ones first, with its parent and name. Returns 0 or the
 * first value < 0 of f, or -errno. */
int cgroup_walk(int dirfd, int (*f)(int parent_fd, const char *name, void *arg), void *arg);

/* Removes what cg->h[].made says, without waiting. Returns 0, or the last -errno with *ret_dir (borrowed, may
 * be NULL). */
int cgroup_remove_made(struct cgroup *cg, const char **ret_dir);

#endif
