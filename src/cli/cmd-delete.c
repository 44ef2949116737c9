/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hvrun delete */
#include <stdbool.h>

#include "cli/command.h"
#include "runtime/runtime.h"

struct delete_options {
	bool force, regex;
};

static const struct option_def options[] = {
	{ "force", 'f', OPTION_BOOL, offsetof(struct delete_options, force), NULL,
	  "kill the container first when it runs", NULL },
	{ "regex", 'r', OPTION_BOOL, offsetof(struct delete_options, regex), NULL,
	  "the id is a regular expression: all that match", NULL },
	{ 0 },
};

static int run(struct runtime *rt, const void *opts, char **args, struct error *err)
{
	const struct delete_options *o = opts;

	return o->regex ? runtime_delete_regex(rt, args[0], o->force, err)
			: runtime_delete(rt, args[0], o->force, err);
}

const struct command cmd_delete = {
	.name = "delete",
	.summary = "delete a stopped container and all that it held",
	.args = "<container-id>",
	.min_args = 1,
	.max_args = 1,
	.options = options,
	.opts_size = sizeof(struct delete_options),
	.run = run,
};
