/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hvrun debug-shell */
#include "base/str.h"
#include "cli/command.h"
#include "runtime/runtime.h"

struct debug_options {
	bool tty;
};

static const struct option_def options[] = {
	{ "tty", 't', OPTION_BOOL, offsetof(struct debug_options, tty), NULL,
	  "allocate a terminal for a command, too", NULL },
	{ 0 },
};

static int run(struct runtime *rt, const void *opts, char **args, struct error *err)
{
	const struct debug_options *o = opts;
	char **command = args + 1;
	int status, r;

	if (str_eq(*command, "--"))
		command++;
	r = runtime_debug_shell(rt, args[0], o->tty, command, &status, err);
	return r < 0 ? r : status;
}

const struct command cmd_debug_shell = {
	.name = "debug-shell",
	.summary = "run a shell in a container's virtual machine",
	.args = "<container-id> [--] [command [argument ...]]",
	.min_args = 1,
	.max_args = -1,
	.flags = COMMAND_FAILS_WITH_255,
	.options = options,
	.opts_size = sizeof(struct debug_options),
	.run = run,
};
