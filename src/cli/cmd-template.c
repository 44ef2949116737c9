/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hvrun template */
#include <errno.h>

#include "cli/command.h"
#include "runtime/runtime.h"

static const char *const formats[] = { [LIST_FORMAT_TABLE] = "table", [LIST_FORMAT_JSON] = "json", NULL };

static const struct option_def options[] = {
	{ "all", 'a', OPTION_BOOL, offsetof(struct template_options, all), NULL,
	  "prune: also those that can be used", NULL },
	{ "format", 'f', OPTION_CHOICE, offsetof(struct template_options, format), "table|json",
	  "list: how to print it (default: table)", formats },
	{ "quiet", 'q', OPTION_BOOL, offsetof(struct template_options, quiet), NULL, "list: print only names",
	  NULL },
	{ 0 },
};

/* Options may stand before and behind the action, which reads like a verb. */
static int run(struct runtime *rt, const void *opts, char **args, struct error *err)
{
	struct template_options o = *(const struct template_options *)opts;
	_cleanup_buf_ struct buf out = { 0 };
	char **rest;
	int r = options_parse(options, &o, args + 1, &rest, err);

	if (r < 0)
		return r;
	if (r == OPTIONS_HELP || *rest)
		return error_set(
			err, EINVAL,
			"usage: hvrun template [options] build|list|prune (see hvrun template --help)");
	r = runtime_template(rt, args[0], &o, &out, err);
	return r < 0 || out.len == 0 ? r : command_print(&out, err);
}

const struct command cmd_template = {
	.name = "template",
	.summary = "make, show or remove templates of virtual machines",
	.args = "build|list|prune",
	.min_args = 1,
	.max_args = -1,
	.options = options,
	.opts_size = sizeof(struct template_options),
	.run = run,
};
