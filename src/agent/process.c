/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The processes that the host knows, and the reaping of them. The job that makes a process tells its pid only
 * when it is done, and the process may have ended by then: what is reaped while a job runs and is nobody's
 * yet is remembered.
 *
 * EXIT is sent last: behind the output that the process left in its pipes, and not while its container's START is being
 * answered, so that the host never hears that something ended which it does not know to have begun.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "agent/agent.h"
#include "base/fd.h"
#include "base/mem.h"
#include "schema/json.h"
#include "schema/types.h"

struct process *process_find(struct agent *a, uint32_t number)
{
	struct process *p = a->processes;

	while (p && p->number != number)
		p = p->next;
	return p;
}

static void set_exited(struct process *p, int wait_status)
{
	p->exited = true;
	p->wait_status = wait_status;
}

void process_add(struct agent *a, uint32_t number, const char *container, pid_t pid, int tty_fd)
{
	struct process *p = xcalloc(1, sizeof(*p));

	*p = (struct process){ .next = a->processes, .number = number, .pid = pid, .tty_fd = tty_fd };
	if (container)
		p->container = xstrdup(container);
	a->processes = p;
	for (unsigned i = 0; i < a->n_orphans; i++)
		if (a->orphans[i].pid == pid)
			set_exited(p, a->orphans[i].wait_status);
}

static void process_free(struct agent *a, struct process *p)
{
	struct process **at = &a->processes;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	fd_close(p->tty_fd);
	free(p->container);
	free(p);
}

void processes_done(struct agent *a)
{
	while (a->processes)
		process_free(a, a->processes);
}

/* The ring is small: only what dies while a job runs is in it, and the process that matters dies last. */
static void remember(struct agent *a, pid_t pid, int wait_status)
{
	unsigned i = a->n_orphans;

	if (!job_running(a)) {
		a->n_orphans = 0;
		return;
	}
	if (i == ARRAY_SIZE(a->orphans)) {
		for (unsigned j = 1; j < i; j++)
			a->orphans[j - 1] = a->orphans[j];
		i--;
	}
	a->orphans[i].pid = pid;
	a->orphans[i].wait_status = wait_status;
	a->n_orphans = i + 1;
}

int process_reap(struct agent *a, struct error *err)
{
	int status, r = 0;
	pid_t pid;

	while (r >= 0 && (pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct process *p = a->processes;

		if (job_reaped(a, pid, err, &r))
			continue;
		while (p && (p->pid != pid || p->exited))
			p = p->next;
		if (p)
			set_exited(p, status);
		else
			remember(a, pid, status);
	}
	return r < 0 ? r : process_report_exits(a, err);
}

static int send_exit(struct agent *a, const struct process *p, struct error *err)
{
	struct hv_agent_exit m = { 0 };
	_cleanup_free_ char *body = NULL;
	size_t len;
	int r;

	m.has_signal = WIFSIGNALED(p->wait_status);
	m.has_code = !m.has_signal;
	if (m.has_signal)
		m.signal = (uint32_t)WTERMSIG(p->wait_status);
	else
		m.code = (uint32_t)WEXITSTATUS(p->wait_status);
	r = json_write(&hv_agent_exit_type, &m, &body, &len, err);
	if (r < 0)
		return r;
	mux_send_exit(a->mux, p->number, body, len);
	mux_remove(a->mux, stream_id(p->number, STREAM_STDIN));
	return 0;
}

int process_flushed(struct agent *a, uint32_t number, struct error *err)
{
	struct process *p = process_find(a, number);
	int r;

	if (!p || !p->exited)
		return 0;
	p->flushed = true;
	if (p->container && job_starts(a, p->container))
		return 0;
	r = send_exit(a, p, err);
	process_free(a, p);
	return r;
}

int process_report_exits(struct agent *a, struct error *err)
{
	struct process *p = a->processes, *next;
	int r = 0;

	for (; p && r >= 0; p = next) {
		next = p->next;
		if (p->exited)
			r = p->flushed ? process_flushed(a, p->number, err)
				       : mux_flush(a->mux, p->number, err);
	}
	return r;
}
