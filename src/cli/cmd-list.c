/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hvrun list */
#include "cli/command.h"
#include "runtime/runtime.h"

static const char *const formats[] = { [LIST_FORMAT_TABLE] = "table", [LIST_FORMAT_JSON] = "json", NULL };

static const struct option_def options[] = {
	{ "format", 'f', OPTION_CHOICE, offsetof(struct list_options, format), "table|json",
	  "how to print it (default: table)", formats },
	{ "quiet", 'q', OPTION_BOOL, offsetof(struct list_options, quiet), NULL, "print only container ids",
	  NULL },
	{ "all-roots", 0, OPTION_BOOL, offsetof(struct list_options, all_roots), NULL,
	  "machines, whatever their --root", NULL },
	{ 0 },
};

static int run(struct runtime *rt, const void *opts, char **args, struct error *err)
{
	_cleanup_buf_ struct buf out = { 0 };
	int r = runtime_list(rt, opts, &out, err);

	(void)args;
	return r < 0 ? r : command_print(&out, err);
}

const struct command cmd_list = {
	.name = "list",
	.summary = "list the containers below the root",
	.args = "",
	.options = options,
	.opts_size = sizeof(struct list_options),
	.run = run,
};
