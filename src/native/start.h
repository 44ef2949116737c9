/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_NATIVE_START_H
#define HV_NATIVE_START_H

#include "base/error.h"

struct container;
struct env;

/*
 * The start socket: create binds it in the state directory, the container's first process listens on it.
 * start connects and sends one byte; the connection closing (it is CLOEXEC) says that the user's program
 * runs, a struct error says why not. A listener without a process, or a process without a listener, refuses
 * connections: nothing that is killed half way leaves a lie behind.
 */

/* Parent of create: binds and listens. Returns an fd, or < 0; the entry in the directory is removed by
 * start_forget(). */
int start_listen(const struct container *c, struct error *err);
void start_forget(const struct container *c);

/* Child: waits for a start to say go. Returns the connection, or -errno. */
int start_wait(int listen_fd);

/* Child: tells that start why not. */
void start_fail(int conn_fd, const struct error *error);

/* The verb: isolation_ops.start. */
int native_start(const struct env *env, struct container *c, struct error *err);

#endif
