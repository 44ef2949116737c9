/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starting hvrun-vmwp: a plain child in a session of its own, so that it becomes a child of our caller's subreaper when we exit, as a
 * container's process does. It does nothing until it gets its first message, and by then it is in the container's cgroup.
 */
#include "hyperv/launch.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/str.h"
#include "linux/cgroup/cgroup.h"

static enum log_level log_level_now(void)
{
	enum log_level level = LOG_LEVEL_DEBUG;

	while (level > LOG_LEVEL_ERROR && !log_enabled(level))
		level--;
	return level;
}

/* The worker knows nothing of us but this; it does not see our environment, which may be the caller's secret. */
static char **make_environment(int sock)
{
	const struct {
		const char *name;
		int value;
	} numbers[] = {
		{ "HVRUN_WORKER_FD", sock },
		{ "HVRUN_LOG_FD", log_fd() },
		{ "HVRUN_LOG_FORMAT", (int)log_format() },
		{ "HVRUN_LOG_LEVEL", (int)log_level_now() },
	};
	char **env = NULL;

	strv_append(&env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		_cleanup_free_ char *s = xasprintf("%s=%d", numbers[i].name, numbers[i].value);

		strv_append(&env, s);
	}
	return env;
}

static int spawn(const struct launch_request *req, int sock, pid_t *ret_pid, struct error *err)
{
	char *argv[] = { (char *)"hvrun-vmwp", (char *)req->id, (char *)req->role, NULL };
	const int keep[] = { sock, log_fd() };
	_cleanup_strv_ char **env = make_environment(sock);
	struct process_spawn s = {
		.path = req->binary,
		.argv = argv,
		.envp = env,
		.stdio = { req->stdio[0], req->stdio[1], req->stdio[2] },
		.keep_fds = keep,
		.n_keep_fds = log_fd() > 2 ? 2 : 1,
		.new_session = true,
		.parent_death_signal = req->ends_with_us ? SIGKILL : 0,
	};
	int r = process_spawn(&s, ret_pid);

	return r < 0 ? error_errnum(err, r, "start %s", req->binary) : 0;
}

int launch_start(const struct launch_request *req, struct launch *ret, struct error *err)
{
	struct launch l = LAUNCH_NONE;
	int pair[2], r;

	r = fd_socketpair(SOCK_STREAM, pair);
	if (r < 0)
		return error_errnum(err, r, "socketpair");
	l.sock = pair[0];
	r = spawn(req, pair[1], &l.pid, err);
	fd_close(pair[1]);
	if (r == 0)
		r = cgroup_join(req->cgroup, l.pid, err);
	if (r < 0) {
		launch_abort(&l);
		return r;
	}
	*ret = l;
	return 0;
}

void launch_abort(struct launch *l)
{
	int status;

	if (l->pid > 0) {
		kill(l->pid, SIGKILL); /* nobody has waited for it: the pid is its own */
		process_wait(l->pid, &status);
	}
	l->pid = 0;
	launch_done(l);
}

void launch_done(struct launch *l)
{
	l->sock = fd_close(l->sock);
}
