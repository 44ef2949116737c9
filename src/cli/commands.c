/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verbs. A new one is a row here and a cmd-<verb>.c (doc/HACKING.md, "add a verb"). */
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cli/command.h"

const struct command *const commands[] = {
	&cmd_check, &cmd_checkpoint, &cmd_create, &cmd_debug_shell, &cmd_delete, &cmd_events, &cmd_exec, &cmd_features, &cmd_kill,
	&cmd_list, &cmd_mounts,       &cmd_pause,  &cmd_ps,       &cmd_restore, &cmd_resume, &cmd_run,      &cmd_spec,
	&cmd_start,      &cmd_state,  &cmd_template, &cmd_update,  NULL,
};

const struct command *command_find(const char *name)
{
	for (const struct command *const *c = commands; *c; c++)
		if (str_eq((*c)->name, name))
			return *c;
	return NULL;
}

int command_print(const struct buf *out, struct error *err)
{
	int r = fd_write_all(STDOUT_FILENO, out->data, out->len);

	return r < 0 ? error_errnum(err, r, "write to standard output") : 0;
}
