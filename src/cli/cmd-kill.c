/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hvrun kill */
#include <stdbool.h>

#include "cli/command.h"
#include "runtime/runtime.h"

struct kill_options {
	bool all, regex;
};

static const struct option_def options[] = {
	{ "all", 'a', OPTION_BOOL, offsetof(struct kill_options, all), NULL,
	  "signal all processes in the container", NULL },
	{ "regex", 'r', OPTION_BOOL, offsetof(struct kill_options, regex), NULL,
	  "the id is a regular expression: all that match", NULL },
	{ 0 },
};

static int run(struct runtime *rt, const void *opts, char **args, struct error *err)
{
	const struct kill_options *o = opts;

	return o->regex ? runtime_kill_regex(rt, args[0], args[1], o->all, err)
			: runtime_kill(rt, args[0], args[1], o->all, err);
}

const struct command cmd_kill = {
	.name = "kill",
	.summary = "send a signal to the process of a container",
	.args = "<container-id> [signal]",
	.min_args = 1,
	.max_args = 2,
	.options = options,
	.opts_size = sizeof(struct kill_options),
	.run = run,
};
