/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_CLI_COMMAND_H
#define HV_CLI_COMMAND_H

#include <stddef.h>

#include "base/error.h"
#include "base/options.h"

struct runtime;

enum {
	/* Starts processes that a container controls: the program first makes its own image unwritable. */
	COMMAND_STARTS_PROCESS = 1 << 0,
	/* A failure of ours is exit status 255, for lower ones may be those of the process (runc's exec); but for a wrong command line. */
	COMMAND_FAILS_WITH_255 = 1 << 1,
};

/* A verb. Each cmd-*.c exports exactly one; commands.c lists them. */
struct command {
	const char *name;
	const char *summary;    /* "create a container" */
	const char *args;       /* "<container-id> [signal]" */
	int min_args, max_args; /* -1: no maximum */
	unsigned flags;
	const struct option_def *options;
	size_t opts_size; /* of the struct that options fill; zeroed before */
	/* args: NULL-terminated, min_args to max_args of them. Returns the exit status, or < 0. */
	int (*run)(struct runtime *rt, const void *opts, char **args, struct error *err);
};

/* All verbs, in the order of the help text; ends with NULL. */
extern const struct command *const commands[];

const struct command *command_find(const char *name);

/* Writes out (a whole answer) to stdout. */
int command_print(const struct buf *out, struct error *err);

extern const struct command cmd_check, cmd_checkpoint, cmd_create, cmd_debug_shell, cmd_delete, cmd_events, cmd_exec, cmd_features,
	cmd_kill, cmd_list, cmd_mounts, cmd_pause, cmd_ps, cmd_restore, cmd_resume, cmd_run, cmd_spec, cmd_start,
	cmd_state, cmd_template, cmd_update;

#endif
