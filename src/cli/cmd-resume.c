/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hvrun resume */
#include "cli/command.h"
#include "runtime/runtime.h"

static const struct option_def options[] = { { 0 } };

static int run(struct runtime *rt, const void *opts, char **args, struct error *err)
{
	(void)opts;
	return runtime_resume(rt, args[0], err);
}

const struct command cmd_resume = {
	.name = "resume",
	.summary = "let the processes of a paused container go on",
	.args = "<container-id>",
	.min_args = 1,
	.max_args = 1,
	.options = options,
	.run = run,
};
