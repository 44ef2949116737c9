/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_CONTAINER_HOOKS_H
#define HV_CONTAINER_HOOKS_H

#include <stddef.h>

#include "base/error.h"

struct oci_hook;

/*
 * Runs the hooks in order, each with state on its stdin, until one fails (runtime-spec config.md,
 * "POSIX-platform Hooks"). kind ("createRuntime" ...) goes into the message: `error running createRuntime
 * hook #1: exit status 3, stdout: , stderr: ...`; after its timeout (seconds) a hook is killed: `hook ran
 * past specified timeout of 1.0s`. env: what a hook without env of its own gets; NULL = ours. Descriptors
 * other than the hook's own stdio do not reach it. Callable in the child before exec (startContainer,
 * createContainer): allocates nothing that outlives it.
 */
int hooks_run(const char *kind, const struct oci_hook *hooks, size_t n_hooks, const char *state,
	      char *const *env, struct error *err);

/* The same for poststop: a failure is logged as a warning and the next one runs. */
void hooks_run_all(const char *kind, const struct oci_hook *hooks, size_t n_hooks, const char *state);

#endif
