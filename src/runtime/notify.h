/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_RUNTIME_NOTIFY_H
#define HV_RUNTIME_NOTIFY_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

struct bundle;
struct container;
struct isolation_ops;

/* What the service manager that started us gave us for the container: sd_notify(3), sd_listen_fds(3). */

/* How many descriptors from 3 on $LISTEN_FDS says are ours to hand on; 0 when $LISTEN_PID names somebody else. */
unsigned listen_fds(void);

/* Sets "name=value" in an environment, in the place of one of that name; doc owns the strings. */
struct oci_doc;
void env_set(struct oci_doc *doc, char ***env, size_t *n_env, const char *name, const char *value);

/*
 * Before create: the process's environment says LISTEN_FDS, LISTEN_PID and NOTIFY_SOCKET when ours does, and the directory
 * of the notify socket (made in the state directory) is mounted. HyperV has no way for notifications: a warning.
 */
int notify_prepare(const char *root, const struct container *c, const struct isolation_ops *ops, const struct bundle *b,
		   struct error *err);

/* Before start: the bound socket, or -1 when nobody is to be notified; < -1 with *err. */
int notify_bind(const struct container *c, int *ret, struct error *err);

/*
 * After start: a process of its own passes on what the container says until that has ended. Takes socket. wait: returns when
 * the container has said READY=1, or has ended.
 */
int notify_proxy(const struct container *c, int socket, bool wait, struct error *err);

/*
 * A datagram of the container's as the service manager may see it: only fields that are known, MAINPID being the
 * pid on this side. Appends to out; returns enum notify_flag. Pure.
 */
enum notify_flag { NOTIFY_READY = 1 << 0, NOTIFY_BARRIER = 1 << 1 };
unsigned notify_rewrite(const char *text, size_t len, pid_t pid, struct buf *out);

#endif
