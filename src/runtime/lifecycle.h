/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_RUNTIME_LIFECYCLE_H
#define HV_RUNTIME_LIFECYCLE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "container/container.h"

/* The steps that the verbs share; private to runtime/. */

struct bundle;
struct create_options;
struct isolation_ops;
struct runtime;

/* Sets env.root, and opens it when it is there; make: makes it (0700) when it is not. */
int runtime_open_root(struct runtime *rt, bool make, struct error *err);

/* Loads the configuration file once, and puts the command line's word over it. */
int runtime_load_settings(struct runtime *rt, struct error *err);

/* Opens a container and finds its type. Returns 0, CONTAINER_E_NOT_FOUND with *err filled, or < 0. */
int runtime_find(struct runtime *rt, const char *id, bool lock, struct container **ret,
		 const struct isolation_ops **ret_ops, struct error *err);

/* The same for verbs that cannot do without: one that does not exist is an error, -ENOENT. */
int runtime_open(struct runtime *rt, const char *id, bool lock, struct container **ret,
		 const struct isolation_ops **ret_ops, struct error *err);

/* The container's status, paused included, which only its runtime type knows. */
int runtime_status(struct runtime *rt, struct container *c, const struct isolation_ops *ops,
		   enum container_status *ret, struct error *err);

/*
 * The name of uid in the text of an /etc/passwd (NULL: none), or "#UID"; free()d by the caller. In list.c.
 */
char *owner_name(const char *passwd, uid_t uid);

/*
 * Sends a pidfd of the new process to the unix stream socket at path (NULL: none asked for), with the payload that runc sends:
 * "standard" for a container's process, "setns" for an exec's.
 */
int runtime_send_pidfd(const char *path, const char *payload, pid_t pid, struct error *err);

/* The ids of all containers below the root, sorted, added to *ret. In list.c. */
int runtime_read_ids(struct runtime *rt, char ***ret, struct error *err);

/* Whether fds 3 .. 3+n-1 were given to us; the caller's, not our own, which are all CLOEXEC. */
int runtime_check_fds(unsigned n, struct error *err);

/* Writes pid to a file as callers of runtimes expect it: atomically, decimal, without a newline. */
int runtime_write_pid_file(const char *path, pid_t pid, struct error *err);

/*
 * The type for a bundle, and whether that can run it: nothing is changed. *ret and, when it is not NULL, *ret_rule (who decided; for free()) are set
 * as soon as the type is known, also when it refuses. The root is open.
 */
int lifecycle_choose(struct runtime *rt, struct bundle *b, const struct isolation_ops **ret, char **ret_rule, struct error *err);

/*
 * create up to and without the pid file. console_socket: a connected socket for the pty's master, or -1. The
 * container is returned locked, with state.json saved.
 */
int lifecycle_create(struct runtime *rt, const char *id, struct bundle *b,
		     const struct create_options *o, int console_socket, struct container **ret,
		     const struct isolation_ops **ret_ops, struct error *err);

/*
 * start on a locked container that is created; releases the lock before poststart hooks. A hook's failure
 * deletes the container. wait_ready: when there is $NOTIFY_SOCKET, until the container has said READY=1 (notify.h).
 */
int lifecycle_start(struct runtime *rt, struct container *c, const struct isolation_ops *ops, bool wait_ready,
		    struct error *err);

/*
 * create's part between the new state directory and the saved state: the isolation is made, with the options that the state has. What fails is the
 * caller's to destroy.
 */
struct process_io;
int lifecycle_isolate(struct runtime *rt, struct container *c, const struct isolation_ops *ops, const struct bundle *b,
		      const struct process_io *io, struct error *err);

/* Runs the poststop hooks of a container whose parts are destroyed; their failures are warnings. < 0: which there are cannot be read. */
int lifecycle_poststop(struct container *c, struct error *err);

/* destroy, state directory, poststop hooks, of a locked container in any state. */
int lifecycle_delete(struct runtime *rt, struct container *c, const struct isolation_ops *ops,
		     struct error *err);

/*
 * Deletes what is left of a container whose create, start or pid file failed; what goes wrong with that is a
 * warning.
 */
void lifecycle_undo(struct runtime *rt, struct container *c, const struct isolation_ops *ops);

/* The same for one whose lock was given up meanwhile, and that may be gone already. */
void lifecycle_undo_id(struct runtime *rt, const char *id);

/* update --runtime-type (hvrun-update(8)): the same container as another type. In switch.c. */
struct update_options;
int runtime_switch(struct runtime *rt, const char *id, const struct update_options *o, struct error *err);

#endif
