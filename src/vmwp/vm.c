/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The VMM as a child process: started with its end of every channel, ended by power-off or SIGKILL, and dead when we are
 * (PR_SET_PDEATHSIG). Of what it and the guest's kernel print only a little is kept, to explain a failure: the first lines of the
 * VMM's stderr, the last ones of the console.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ocispec/types.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/str.h"
#include "hyperv/vmm/vmm.h"
#include "schema/types.h"
#include "vmwp/worker.h"

enum { KEPT = 4096 }; /* bytes of either text */

/* Our ends and theirs of what connects us with the VMM. */
enum { CONTROL, STREAM, CONSOLE, _PAIRS };

static void close_pairs(int pairs[_PAIRS][2])
{
	for (int i = 0; i < _PAIRS; i++)
		for (int k = 0; k < 2; k++)
			pairs[i][k] = fd_close(pairs[i][k]);
}

static void fill_spec(const struct worker *w, int pairs[_PAIRS][2], struct vm_spec *ret)
{
	const struct hv_worker_vm *vm = w->setup->vm;
	enum vmm_accel accel = vmm_accel_from_string(vm->accel);

	*ret = (struct vm_spec){
		.name = w->setup->id,
		.binary = vm->binary,
		.accel = accel,
		.memory = vm->memory,
		.vcpus = vm->vcpus,
		.tsc_khz = accel == VMM_ACCEL_TCG ? vmm_tsc_khz() : 0,
		.kernel = vm->kernel,
		.initrd = vm->initrd,
		.kernel_args = vm->kernel_args,
		.args = vm->args,
		.share = w->setup->share_dir,
		.control_fd = pairs[CONTROL][1],
		.stream_fd = pairs[STREAM][1],
		.console_fd = pairs[CONSOLE][1],
		.qmp_fd = -1,
	};
}

static int on_vmm_stderr(void *data, int fd, _unused_ uint32_t events, _unused_ struct error *err)
{
	struct worker *w = data;
	char bytes[1024];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0)
		w->stderr_source = event_source_free(w->stderr_source);
	else if (w->vmm_stderr.len < KEPT)
		buf_append(&w->vmm_stderr, bytes, (size_t)n);
	return 0;
}

static int on_console(void *data, int fd, _unused_ uint32_t events, _unused_ struct error *err)
{
	struct worker *w = data;
	char bytes[1024];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0) {
		w->console_source = event_source_free(w->console_source);
		return 0;
	}
	buf_append(&w->console, bytes, (size_t)n);
	if (w->console.len > KEPT)
		buf_consume(&w->console, w->console.len - KEPT);
	return 0;
}

/* What is still in the pipes when the VMM has gone. */
static void drain(struct worker *w)
{
	while (w->stderr_source && w->vmm_stderr.len < KEPT) {
		size_t before = w->vmm_stderr.len;

		on_vmm_stderr(w, w->vmm_stderr_fd, 0, NULL);
		if (w->vmm_stderr.len == before)
			break;
	}
	for (int i = 0; w->console_source && i < 16; i++)
		on_console(w, w->console_fd, 0, NULL);
}

static int on_vmm_exit(void *data, _unused_ int fd, _unused_ uint32_t events, _unused_ struct error *err)
{
	struct worker *w = data;
	struct error e;
	int status;

	process_wait(w->vmm_pid, &status);
	w->vmm_running = false;
	if (w->phase != PHASE_POWER_OFF) {
		drain(w);
		if (WIFSIGNALED(status))
			error_set(&e, EIO, "the virtual machine was killed by signal %d", WTERMSIG(status));
		else
			error_set(&e, EIO, "the virtual machine ended unexpectedly");
		vm_explain(w, &e);
		worker_fail(w, &e);
	}
	event_loop_exit(w->loop, 0);
	return 0;
}

static int make_pairs(int pairs[_PAIRS][2], struct error *err)
{
	for (int i = 0; i < _PAIRS; i++) {
		int r = fd_socketpair(SOCK_STREAM, pairs[i]);

		if (r < 0)
			return error_errnum(err, r, "socketpair");
	}
	return 0;
}

static int spawn(struct worker *w, int pairs[_PAIRS][2], int stderr_fd, struct error *err)
{
	const int keep[] = { pairs[CONTROL][1], pairs[STREAM][1], pairs[CONSOLE][1] };
	const struct vmm_ops *ops = vmm_find(w->setup->vm->vmm, err);
	_cleanup_strv_ char **argv = NULL;
	_cleanup_free_ char *line = NULL;
	struct process_spawn s = { .stdio = { -1, -1, stderr_fd }, .keep_fds = keep, .n_keep_fds = ARRAY_SIZE(keep),
				   .new_session = true, .parent_death_signal = SIGKILL, .cwd = "/" };
	struct vm_spec spec;
	int r;

	if (!ops)
		return -err->code;
	fill_spec(w, pairs, &spec);
	argv = ops->command(&spec, w->setup->vm->binary);
	s.path = argv[0];
	s.argv = argv;
	r = process_spawn(&s, &w->vmm_pid);
	if (r < 0)
		return error_errnum(err, r, "start %s", argv[0]);
	w->vmm_running = true;
	line = str_join(argv, " ");
	log_debug("vmm %d: %s", (int)w->vmm_pid, line);
	return 0;
}

/* Our ends go on the loop. */
static int watch(struct worker *w, int pairs[_PAIRS][2], int stderr_fd, struct error *err)
{
	int r;

	w->console_fd = TAKE_FD(pairs[CONSOLE][0]);
	w->vmm_stderr_fd = stderr_fd;
	fd_set_nonblock(w->console_fd, 1);
	fd_set_nonblock(w->vmm_stderr_fd, 1);
	w->vmm_pidfd = process_pidfd_open(w->vmm_pid);
	if (w->vmm_pidfd < 0)
		return error_errnum(err, w->vmm_pidfd, "pidfd_open");
	r = event_add_fd(w->loop, w->vmm_pidfd, EPOLLIN, on_vmm_exit, w, NULL, err);
	if (r == 0)
		r = event_add_fd(w->loop, w->console_fd, EPOLLIN, on_console, w, &w->console_source, err);
	if (r == 0)
		r = event_add_fd(w->loop, w->vmm_stderr_fd, EPOLLIN, on_vmm_stderr, w, &w->stderr_source, err);
	if (r == 0)
		r = channel_new(w->loop, TAKE_FD(pairs[CONTROL][0]), FRAME_CONTROL_MAX, &guest_channel_ops, w, &w->control, err);
	if (r == 0)
		r = mux_new(w->loop, TAKE_FD(pairs[STREAM][0]), true, &guest_mux_ops, w, &w->mux, err);
	return r;
}

int vm_start(struct worker *w, struct error *err)
{
	int pairs[_PAIRS][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 } };
	int out[2], r;

	r = make_pairs(pairs, err);
	if (r == 0 && pipe2(out, O_CLOEXEC) < 0)
		r = error_errno(err, "pipe2");
	if (r == 0) {
		r = spawn(w, pairs, out[1], err);
		fd_close(out[1]);
		if (r == 0)
			r = watch(w, pairs, out[0], err);
		else
			fd_close(out[0]);
	}
	close_pairs(pairs);
	return r;
}

void vm_kill(struct worker *w)
{
	if (w->vmm_running)
		process_pidfd_kill(w->vmm_pidfd, SIGKILL);
}

void vm_done(struct worker *w)
{
	int status;

	if (w->vmm_running) {
		kill(w->vmm_pid, SIGKILL); /* a child that nobody has waited for: its pid is its own */
		process_wait(w->vmm_pid, &status);
	}
	w->mux = mux_free(w->mux);
	w->control = channel_free(w->control);
	buf_done(&w->vmm_stderr);
	buf_done(&w->console);
}

/* The last line with something in it, for one that is no kernel message's tail. */
static const char *last_line(char *text)
{
	for (;;) {
		char *line = strrchr(text, '\n');

		if (!line)
			return text;
		if (line[1] && line[1] != '\r')
			return line + 1;
		*line = '\0';
	}
}

void vm_explain(struct worker *w, struct error *e)
{
	_cleanup_free_ char *said = xstrndup(w->vmm_stderr.data ? w->vmm_stderr.data : "", w->vmm_stderr.len);
	_cleanup_free_ char *console = xstrndup(w->console.data ? w->console.data : "", w->console.len);
	struct error line = { .code = EIO };

	if (*console) {
		log_debug("guest console: %s", console);
		error_set(&line, EIO, "%s", last_line(console));
	}
	if (*said) {
		log_debug("vmm: %s", said);
		said[strcspn(said, "\r\n")] = '\0';
		error_set(&line, EIO, "%s", said);
	}
	error_sanitize(&line);
	if (*line.msg) {
		char msg[sizeof(e->msg)];

		memcpy(msg, e->msg, sizeof(msg));
		error_set(e, e->code, "%.400s: %.500s", msg, line.msg);
	}
}
