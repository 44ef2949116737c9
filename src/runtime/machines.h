/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_RUNTIME_MACHINES_H
#define HV_RUNTIME_MACHINES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"

/* A directory of container states, whoever chose it. */
struct machine_root {
	char *path; /* absolute */
	int dirfd;  /* O_PATH */
};

struct machine_roots {
	struct machine_root *v; /* sorted by path */
	size_t n;
	size_t n_doubtful; /* processes that are called as a worker is, but whose state directory is not proved to be one */
};

/*
 * The state roots below which a machine's worker runs at the moment, found by what the workers have open (proc_pid_fd(5)), which takes CAP_SYS_PTRACE
 * for those of others. Nothing that a process says of itself is believed: see machines.c. 0 or < 0; machine_roots_done() in either case.
 */
int machines_find_roots(struct machine_roots *ret, struct error *err);
void machine_roots_done(struct machine_roots *r);
#define _cleanup_machine_roots_ _cleanup_(machine_roots_done)

#endif
