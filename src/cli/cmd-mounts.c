/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hvrun mounts */
#include <errno.h>

#include "base/str.h"
#include "cli/command.h"
#include "runtime/runtime.h"

static const struct option_def options[] = { { 0 } };

static int run(struct runtime *rt, const void *opts, char **args, struct error *err)
{
	bool add = str_eq(args[0], "add");

	(void)opts;
	if (!add && !str_eq(args[0], "remove"))
		return error_set(err, EINVAL, "mounts: \"%s\" is neither add nor remove", args[0]);
	return runtime_mounts(rt, args[1], args[2], add, err);
}

const struct command cmd_mounts = {
	.name = "mounts",
	.summary = "add mounts to a running container, or remove them",
	.args = "add|remove <container-id> <file>",
	.min_args = 3,
	.max_args = 3,
	.options = options,
	.run = run,
};
