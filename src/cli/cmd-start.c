/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hvrun start */
#include "cli/command.h"
#include "runtime/runtime.h"

static const struct option_def options[] = { { 0 } };

static int run(struct runtime *rt, const void *opts, char **args, struct error *err)
{
	(void)opts;
	return runtime_start(rt, args[0], err);
}

const struct command cmd_start = {
	.name = "start",
	.summary = "start the process of a created container",
	.args = "<container-id>",
	.min_args = 1,
	.max_args = 1,
	.options = options,
	.run = run,
};
