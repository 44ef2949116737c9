/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hvrun events */
#include "cli/command.h"
#include "runtime/runtime.h"

#define ROW(name, type, field, value, help)                                                                  \
	{                                                                                                    \
		name, 0, type, offsetof(struct events_options, field), value, help, NULL                     \
	}

static const struct option_def options[] = {
	ROW("interval", OPTION_STRING, interval, "TIME", "how often to show statistics (default: 5s)"),
	ROW("stats", OPTION_BOOL, stats, NULL, "show statistics once, and end"),
	{ 0 },
};

static int run(struct runtime *rt, const void *opts, char **args, struct error *err)
{
	return runtime_events(rt, args[0], opts, command_print, err);
}

const struct command cmd_events = {
	.name = "events",
	.summary = "show OOM kills and statistics of a container",
	.args = "<container-id>",
	.min_args = 1,
	.max_args = 1,
	.options = options,
	.opts_size = sizeof(struct events_options),
	.run = run,
};
