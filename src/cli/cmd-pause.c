/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hvrun pause */
#include "cli/command.h"
#include "runtime/runtime.h"

static const struct option_def options[] = { { 0 } };

static int run(struct runtime *rt, const void *opts, char **args, struct error *err)
{
	(void)opts;
	return runtime_pause(rt, args[0], err);
}

const struct command cmd_pause = {
	.name = "pause",
	.summary = "suspend all processes of a container",
	.args = "<container-id>",
	.min_args = 1,
	.max_args = 1,
	.options = options,
	.run = run,
};
