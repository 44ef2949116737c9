/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hvrun exec */
#include "cli/command.h"
#include "runtime/runtime.h"

#define ROW(name, letter, type, field, value, help)                                                          \
	{                                                                                                    \
		name, letter, type, offsetof(struct exec_options, field), value, help, NULL                  \
	}

static const struct option_def options[] = {
	ROW("process", 'p', OPTION_STRING, process, "FILE", "read the process object from a file"),
	ROW("tty", 't', OPTION_BOOL, tty, NULL, "allocate a terminal"),
	ROW("user", 'u', OPTION_STRING, user, "UID[:GID]", "the user to run as"),
	ROW("additional-gids", 'g', OPTION_LIST, additional_gids, "GID", "one more group; may be repeated"),
	ROW("cwd", 0, OPTION_STRING, cwd, "DIR", "the working directory"),
	ROW("env", 'e', OPTION_LIST, env, "NAME=VALUE", "set a variable; may be repeated"),
	ROW("cap", 'c', OPTION_LIST, caps, "CAP", "add a capability; may be repeated"),
	ROW("no-new-privs", 0, OPTION_BOOL, no_new_privs, NULL, "no privileges by exec"),
	ROW("detach", 'd', OPTION_BOOL, detach, NULL, "do not wait for the process"),
	ROW("pid-file", 0, OPTION_STRING, pid_file, "FILE", "write the process id there"),
	ROW("console-socket", 0, OPTION_STRING, console_socket, "PATH", "unix socket that gets the terminal"),
	ROW("pidfd-socket", 0, OPTION_STRING, pidfd_socket, "PATH", "unix socket that gets a pidfd"),
	ROW("preserve-fds", 0, OPTION_U32, preserve_fds, "N", "keep N descriptors from 3 on open"),
	ROW("process-label", 0, OPTION_STRING, process_label, "LABEL", "SELinux label of the process"),
	ROW("apparmor", 0, OPTION_STRING, apparmor, "PROFILE", "AppArmor profile of the process"),
	ROW("cgroup", 0, OPTION_LIST, cgroups, "[CTRL:]PATH", "sub-cgroup to run in; may be repeated"),
	ROW("ignore-paused", 0, OPTION_BOOL, ignore_paused, NULL, "also in a paused container"),
	{ 0 },
};

static int run(struct runtime *rt, const void *opts, char **args, struct error *err)
{
	int status, r = runtime_exec(rt, args[0], opts, args + 1, &status, err);

	return r < 0 ? r : status;
}

const struct command cmd_exec = {
	.name = "exec",
	.summary = "run one more process in a container",
	.args = "<container-id> <command> [argument ...]",
	.min_args = 1,
	.max_args = -1,
	.flags = COMMAND_STARTS_PROCESS | COMMAND_FAILS_WITH_255,
	.options = options,
	.opts_size = sizeof(struct exec_options),
	.run = run,
};
