/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Requests that may block run in a child: the loop goes on relaying streams meanwhile, and what the verb
 * leaves behind ends with the child, as on the host with the command. The processes that it makes become ours
 * when it exits (PID 1, or a subreaper).
 *
 * The result comes over a pipe with its length in front, for its end is no end of file: the container's first
 * process, which waits for START, may hold a copy of the pipe until it executes the container's program.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/fd.h"
#include "base/mem.h"
#include "linux/sys.h"
#include "schema/json.h"

struct result {
	bool failed;
	struct error err;
	pid_t pid;
	size_t reply_len; /* so many bytes follow */
};

struct job {
	struct job *next;
	struct agent *agent;
	pid_t pid;
	bool reaped;
	uint16_t type;
	uint64_t id;
	struct job_io io;
	struct oci_doc *doc; /* of the message, to which io.container belongs */
	int pipe_fd;
	struct event_source *source;
	struct buf in;
	int stdio[3];   /* our ends of the new process's pipes */
	int console_fd; /* where its terminal's master will come from */
};

bool job_running(const struct agent *a)
{
	return a->jobs;
}

bool job_starts(const struct agent *a, const char *container)
{
	for (const struct job *j = a->jobs; j; j = j->next)
		if (j->type == MESSAGE_START && !strcmp(j->io.container, container))
			return true;
	return false;
}

bool job_makes(const struct agent *a, uint32_t number)
{
	for (const struct job *j = a->jobs; j; j = j->next)
		if (j->io.number == number)
			return true;
	return false;
}

static void job_free(struct job *j)
{
	struct job **at = &j->agent->jobs;

	while (*at && *at != j)
		at = &(*at)->next;
	if (*at)
		*at = j->next;
	event_source_free(j->source);
	fd_close(j->pipe_fd);
	fd_close(j->console_fd);
	for (int i = 0; i < 3; i++)
		fd_close(j->stdio[i]);
	buf_done(&j->in);
	oci_doc_free(j->doc);
	free(j);
}

void jobs_done(struct agent *a)
{
	while (a->jobs)
		job_free(a->jobs);
}

/* the child
 * ----------------------------------------------------------------------------------------------------------
 */

/* Closes all but 0, 1, 2 and the fds in keep (sorted here): other processes' pipes must not live on in this
 * one's. */
static void close_others(int *keep, size_t n)
{
	unsigned from = 3;

	for (size_t i = 1; i < n; i++)
		for (size_t k = i; k > 0 && keep[k - 1] > keep[k]; k--) {
			int t = keep[k];

			keep[k] = keep[k - 1];
			keep[k - 1] = t;
		}
	for (size_t i = 0; i < n; i++) {
		if (keep[i] < (int)from)
			continue;
		if (keep[i] > (int)from)
			sys_close_range(from, (unsigned)keep[i] - 1, 0);
		from = (unsigned)keep[i] + 1;
	}
	sys_close_range(from, ~0U, 0);
}

static void write_result(int fd, const struct result *result, const struct buf *reply)
{
	if (fd_write_all(fd, result, sizeof(*result)) == 0)
		fd_write_all(fd, reply->data, result->reply_len);
}

static _noreturn_ void job_child(struct verb_context *v, verb_fn *verb, int result_fd)
{
	const struct prepared *p = &v->agent->prepared;
	int keep[] = { v->stdio[0], v->stdio[1], v->stdio[2], v->console_socket, v->agent->env.root_dirfd,
		       p->network_fd, p->ipc_fd, p->device_filter_fd, v->program_fd, result_fd };
	struct result result = { 0 };
	struct buf reply = { 0 };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	close_others(keep, ARRAY_SIZE(keep));
	result.failed = verb(v, &result.pid, &reply, &result.err) < 0;
	if (reply.len > FRAME_CONTROL_MAX)
		result.failed = error_set(&result.err, E2BIG, "the answer is %zu bytes long, at most %d are possible", reply.len,
					  FRAME_CONTROL_MAX) < 0;
	result.reply_len = result.failed ? 0 : reply.len;
	for (int i = 0; i < 3; i++)
		fd_close(v->stdio[i]); /* from here on only the new process has them: who closes its end is noticed */
	write_result(result_fd, &result, &reply);
	_exit(0);
}

/* its end
 * ------------------------------------------------------------------------------------------------------------
 */

/* The terminal's master, which the verb has sent before it answered. -1 when it has not. */
static int receive_master(int sock)
{
	char name[256];
	size_t n = 0;
	int fd = -1;

	if (fd_set_nonblock(sock, 1) < 0 || fd_recv(sock, name, sizeof(name), &fd, 1, &n) < 0 || n != 1)
		return -1;
	return fd_set_nonblock(fd, 1) < 0 ? fd_close(fd) : fd;
}

static int add_streams(struct job *j, int *ret_tty, struct error *err)
{
	struct mux *m = j->agent->mux;
	uint32_t number = j->io.number;
	int fd;

	*ret_tty = -1;
	if (!j->io.terminal) {
		mux_add_sink(m, stream_id(number, STREAM_STDIN), TAKE_FD(j->stdio[0]));
		mux_add_source(m, stream_id(number, STREAM_STDOUT), TAKE_FD(j->stdio[1]));
		mux_add_source(m, stream_id(number, STREAM_STDERR), TAKE_FD(j->stdio[2]));
		return 0;
	}
	fd = receive_master(j->console_fd);
	if (fd < 0)
		return error_set(err, EPROTO, "no terminal came for process %u", number);
	mux_add_sink(m, stream_id(number, STREAM_STDIN), fcntl(fd, F_DUPFD_CLOEXEC, 3));
	mux_add_source(m, stream_id(number, STREAM_STDOUT), fcntl(fd, F_DUPFD_CLOEXEC, 3));
	*ret_tty = fd;
	return 0;
}

/* The verb has answered: the new process is noted and its streams are open before the host hears of it. */
static int job_end(struct job *j, struct result *result, struct error *err)
{
	struct agent *a = j->agent;
	bool made = !result->failed && j->io.number;
	int tty_fd = -1;

	if (made) {
		result->failed = add_streams(j, &tty_fd, &result->err) < 0;
		process_add(a, j->io.number, j->io.container, result->pid, tty_fd);
	}
	if (made && result->failed)
		kill(result->pid, SIGKILL);
	if (result->failed)
		channel_send_error(a->control, j->type, j->id, &result->err);
	else
		channel_send(a->control, j->type, FRAME_REPLY, j->id, j->in.data + sizeof(*result),
			     result->reply_len);
	if (made && !result->failed)
		mux_grant(a->mux, j->io.number);
	job_free(j);
	return process_report_exits(a, err);
}

static bool complete(const struct job *j, struct result *ret)
{
	if (j->in.len < sizeof(*ret))
		return false;
	memcpy(ret, j->in.data, sizeof(*ret));
	return j->in.len - sizeof(*ret) >= ret->reply_len;
}

static int job_read(struct job *j, struct error *err)
{
	struct result result;
	ssize_t n;

	do {
		n = read(j->pipe_fd, buf_reserve(&j->in, 16 << 10), 16 << 10);
		if (n > 0)
			buf_added(&j->in, (size_t)n);
	} while (n > 0);
	if (complete(j, &result))
		return job_end(j, &result, err);
	if (n < 0 && errno == EAGAIN && !j->reaped)
		return 0;
	result = (struct result){ .failed = true };
	error_set(&result.err, EPIPE, "%s: the agent's helper died", message_to_string(j->type));
	return job_end(j, &result, err);
}

static int on_pipe(void *data, _unused_ int fd, _unused_ uint32_t events, struct error *err)
{
	return job_read(data, err);
}

bool job_reaped(struct agent *a, pid_t pid, struct error *err, int *ret)
{
	struct job *j = a->jobs;

	while (j && j->pid != pid)
		j = j->next;
	if (!j)
		return false;
	j->reaped = true;
	*ret = job_read(j, err);
	return true;
}

/* its start
 * ----------------------------------------------------------------------------------------------------------
 */

/* Pipes (or a console socket) for the new process: theirs[] are the child's ends. */
static int make_stdio(struct job *j, struct verb_context *v, struct error *err)
{
	int pair[2];

	if (!j->io.number)
		return 0;
	if (j->io.terminal) {
		int r = fd_socketpair(SOCK_STREAM, pair);

		if (r < 0)
			return error_errnum(err, r, "socketpair");
		j->console_fd = pair[0];
		v->console_socket = pair[1];
		return 0;
	}
	for (int i = 0; i < 3; i++) {
		int ours = i == 0 ? 1 : 0;

		if (pipe2(pair, O_CLOEXEC) < 0)
			return error_errno(err, "pipe2");
		j->stdio[i] = pair[ours];
		v->stdio[i] = pair[!ours];
		fd_set_nonblock(pair[ours], 1);
	}
	return 0;
}

static int spawn(struct job *j, struct verb_context *v, verb_fn *verb, struct error *err)
{
	int result[2], r;

	r = make_stdio(j, v, err);
	if (r < 0)
		return r;
	if (pipe2(result, O_CLOEXEC) < 0)
		return error_errno(err, "pipe2");
	j->pipe_fd = result[0];
	fd_set_nonblock(result[0], 1);
	r = event_add_fd(j->agent->loop, result[0], EPOLLIN, on_pipe, j, &j->source, err);
	if (r >= 0) {
		j->pid = fork();
		if (j->pid == 0)
			job_child(v, verb, result[1]);
		if (j->pid < 0)
			r = error_errno(err, "fork");
	}
	fd_close(result[1]);
	return r;
}

int job_start(struct agent *a, const struct request *req, const struct job_io *io, verb_fn *verb,
	      struct oci_doc *doc, struct error *err)
{
	struct verb_context v = {
		.agent = a, .message = req->message, .stdio = { -1, -1, -1 }, .console_socket = -1, .program_fd = -1
	};
	struct job *j = xcalloc(1, sizeof(*j));
	int r;

	*j = (struct job){ .next = a->jobs,
			   .agent = a,
			   .type = req->type,
			   .id = req->id,
			   .doc = doc,
			   .pipe_fd = -1,
			   .stdio = { -1, -1, -1 },
			   .console_fd = -1 };
	if (io)
		j->io = *io;
	if (io && io->number)
		v.program_fd = debug_program(a, io->number);
	a->jobs = j;
	r = spawn(j, &v, verb, err);
	fd_close(v.console_socket);
	for (int i = 0; i < 3; i++)
		fd_close(v.stdio[i]);
	if (r < 0)
		job_free(j);
	return r < 0 ? r : 0;
}
