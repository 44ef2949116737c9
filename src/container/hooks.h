/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_CONTAINER_HOOKS_H
#define HV_CONTAINER_HOOKS_H

#include <stddef.h>

#include "base/error.h"

struct hook_output;
struct oci_hook;

/* What hooks get beside what config.json says of each. Borrowed. */
struct hook_context {
	const char *state;		  /* on stdin: the container's, as JSON */
	char *const *env;		  /* of a hook without one of its own; NULL: ours */
	const struct hook_output *output; /* hook_output.h; NULL: none, what they write goes into the message of a failure */
};

/*
 * Runs the hooks in order, each with the state on its stdin, until one fails (runtime-spec config.md,
 * "POSIX-platform Hooks"). kind ("createRuntime" ...) goes into the message: `error running createRuntime
 * hook #1: exit status 3, stdout: , stderr: ...`; after its timeout (seconds) a hook is killed: `hook ran
 * past specified timeout of 1.0s`. A stream that goes to a file has that said in its place. Descriptors
 * other than the hook's own stdio do not reach it. Callable in the child before exec (startContainer,
 * createContainer): allocates nothing that outlives it.
 */
int hooks_run(const char *kind, const struct oci_hook *hooks, size_t n_hooks, const struct hook_context *context,
	      struct error *err);

/* The same for poststop: a failure is logged as a warning and the next one runs. */
void hooks_run_all(const char *kind, const struct oci_hook *hooks, size_t n_hooks, const struct hook_context *context);

#endif
