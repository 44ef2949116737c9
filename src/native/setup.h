/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_NATIVE_SETUP_H
#define HV_NATIVE_SETUP_H

#include <limits.h>
#include <stdbool.h>

#include "base/error.h"
#include "container/isolation.h"

struct plan_process;

/*
 * What a process in the container does to itself before it becomes the user's: the same for the container's
 * own and for each exec. Made by the parent, used by the child, where nothing allocates. Order: terminal,
 * session, place, limits, (wait), credentials_apply(), exec.
 */
struct setup {
	const struct plan_process *plan;
	const struct process_io *io;
	int procfs_fd; /* linux/procfs.h */
	int root_fd;   /* the container's root directory, O_PATH */
	int null_fd;   /* /dev/null of the host for absent stdio; -1 = none is absent */
	int slave_fd;  /* the terminal; -1 = none */
	bool cwd_pending;
	char executable[PATH_MAX];
	char home[PATH_MAX];
};

/* Parent side: the fds that it needs. setup_done() closes them. */
int setup_init(struct setup *s, const struct plan_process *plan, const struct process_io *io,
	       struct error *err);
void setup_done(struct setup *s);
#define _cleanup_setup_ _cleanup_(setup_done)

/* With process.terminal: a terminal from the container's /dev/pts, its master sent to the console socket. */
int setup_terminal(struct setup *s, struct error *err);

/* A session of its own, the terminal or the caller's stdio as 0, 1 and 2. */
int setup_session(struct setup *s, struct error *err);

/* Working directory, HOME, and the file that will be executed: looked up now so that "not found" is told by
 * create. */
int setup_place(struct setup *s, struct error *err);

/* Session keyring, scheduler, I/O priority, memory policy, personality, resource limits, exec labels of the
 * LSMs. Behind what opens files: RLIMIT_NOFILE may leave no number for one. */
int setup_limits(struct setup *s, struct error *err);

/* What setup_place() could not do as root: the working directory again, as the user. */
int setup_late_cwd(struct setup *s, struct error *err);

/* Becomes the user's program. Returns only to tell why not. */
int setup_exec(struct setup *s, struct error *err);

/*
 * User, groups, capabilities, no_new_privs and seccomp, in the one order that works: seccomp first where it
 * needs the privileges that are about to go, else last; the bounding set before the user changes; the other
 * sets after.
 */
int credentials_apply(const struct plan_process *p, int sync_fd, struct error *err);

#endif
