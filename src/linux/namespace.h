/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_NAMESPACE_H
#define HV_LINUX_NAMESPACE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

/* Namespaces, namespaces(7); a type is its CLONE_NEW* flag. */
struct namespace_type {
	int type;
	const char *name; /* "network", as config.json has it */
	const char *file; /* "net", as /proc/PID/ns has it */
};

/* All eight, in the order they are joined: user first, for what it owns can be joined only from within. Ends
 * with type 0. */
extern const struct namespace_type namespace_types[];

/* The row of a type, or of a name of config.json's; one with type 0 when there is none. */
const struct namespace_type *namespace_type(int type);
const struct namespace_type *namespace_type_by_name(const char *name);

/* Opens a namespace file and checks that it is of that type (ioctl_ns(2) NS_GET_NSTYPE). Returns a CLOEXEC
 * fd, or < 0. */
int namespace_open(const char *path, int type, struct error *err);

/* The same for one of process pid's. */
int namespace_open_pid(int procfs_fd, pid_t pid, int type, struct error *err);

/* Whether two namespace fds are the same namespace. -errno. */
int namespace_same(int a_fd, int b_fd, bool *ret);

/*
 * Makes the next child of the caller be born in pidns_fd (-1: nothing is done): setns(2) with a pid namespace
 * is about children only, so a parent that may go there needs no process in between. namespace_leave_pid()
 * turns back to the caller's own, saved in *ret_own.
 */
int namespace_enter_pid(int procfs_fd, int pidns_fd, int *ret_own, struct error *err);
void namespace_leave_pid(int *own);

/*
 * Calls fn in a mount namespace that lives no longer than the call, where mounts neither come in nor go out. Memory and descriptors are the
 * caller's own, and it waits: what fn opens stays open, detached mounts included. Returns what fn returns, or < 0.
 */
int namespace_call_with_mounts(int (*fn)(void *arg, struct error *err), void *arg, struct error *err);

#endif
