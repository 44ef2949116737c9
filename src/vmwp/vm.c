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

/* Our ends and theirs of what connects us with the VMM; a monitor only where something is saved or loaded, or put into spare disks. Of FILES the other end is virtiofsd's. */
enum { CONTROL, STREAM, CONSOLE, MONITOR, FILES, _PAIRS };

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
		.architecture = vm->architecture,
		.machine = vm->machine,
		.binary = vm->binary,
		.accel = accel,
		.memory = w->start == VMM_START_CLONE ? vm->template->memory : vm->memory,
		.vcpus = vm->vcpus,
		.tsc_khz = accel == VMM_ACCEL_TCG && w->start != VMM_START_CLONE ? vmm_tsc_khz() : 0,
		.kernel = vm->kernel,
		.initrd = vm->initrd,
		.kernel_args = vm->kernel_args,
		.verbose = w->setup->console_log,
		.args = vm->args,
		.share = JAIL_SHARE_DIR,
		.virtiofs = vm->virtiofsd != NULL,
		.share_fd = pairs[FILES][1],
		.control_fd = pairs[CONTROL][1],
		.stream_fd = pairs[STREAM][1],
		.console_fd = pairs[CONSOLE][1],
		.qmp_fd = pairs[MONITOR][1],
		.nic_fds = w->nic_fds,
		.n_nics = w->n_nics,
		.disks = w->disks,
		.n_disks = w->n_disks,
		.n_spares = { [VMM_SPARE_WRITABLE] = vm->spare_disks, [VMM_SPARE_READONLY] = vm->spare_readonly_disks },
		.storage = vm->storage,
		.has_root = vm->has_root_disk,
		.root = vm->root_disk,
		.start = w->start,
		.memory_fd = w->memory_fd,
	};
}

static int on_vmm_stderr(void *data, int fd, _unused_ uint32_t events, _unused_ struct error *err)
{
	struct worker *w = data;
	char bytes[1024];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n > 0)
		log_file_write(&w->vmm_log, bytes, (size_t)n);
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
	log_file_write(&w->console_log, bytes, (size_t)n);
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

static void explain_status(int status, struct error *e)
{
	if (WIFSIGNALED(status))
		error_set(e, EIO, "the virtual machine was killed by signal %d", WTERMSIG(status));
	else
		error_set(e, EIO, "the virtual machine ended unexpectedly");
}

static void explain_exit(struct worker *w, struct error *e)
{
	drain(w);
	if (!file_server_failed(w, e))
		explain_status(w->vmm_status, e);
	vm_explain(w, e);
}

/* Nothing of the VMM is left: what is open towards it is closed. */
static void close_vm(struct worker *w)
{
	w->console_source = event_source_free(w->console_source);
	w->stderr_source = event_source_free(w->stderr_source);
	w->exit_source = event_source_free(w->exit_source);
	file_server_done(w);
	if (w->monitor)
		w->monitor = w->vmm->monitor_free(w->monitor);
	w->mux = mux_free(w->mux);
	w->control = channel_free(w->control);
	w->console_fd = fd_close(w->console_fd);
	w->vmm_stderr_fd = fd_close(w->vmm_stderr_fd);
	w->vmm_pidfd = fd_close(w->vmm_pidfd);
	buf_done(&w->vmm_stderr);
	buf_done(&w->console);
}

/*
 * A VM that has not answered yet gets another chance: a clone is booted, and one whose boot hangs (seen with emulation on a host that was busy many
 * times over) boots once more.
 */
static bool has_another_chance(const struct worker *w, const struct error *e)
{
	return w->phase == PHASE_BOOTING && w->vmm_running &&
	       (w->start == VMM_START_CLONE || (w->start == VMM_START_BOOT && e->code == ETIMEDOUT && !w->booted_again));
}

/*
 * A template is spoilt for others, too, unless somebody just killed the clone: without its state file it is made anew by the next create.
 */
static void blame(struct worker *w, const struct error *e)
{
	if (w->start != VMM_START_CLONE) {
		w->booted_again = true;
		log_warning("container \"%s\": its virtual machine is booted once more: %s", w->setup->id, e->msg);
		return;
	}
	log_warning("container \"%s\": the template of virtual machines cannot be used, this one is booted: %s", w->setup->id, e->msg);
	if (w->boot_failure.code || !WIFSIGNALED(w->vmm_status))
		unlinkat(w->template_dirfd, "state", 0);
}

/* The VMM has gone. */
static int boot_instead(struct worker *w, struct error *err)
{
	struct error e = w->boot_failure;

	if (e.code) {
		drain(w);
		vm_explain(w, &e);
	} else {
		explain_exit(w, &e);
	}
	blame(w, &e);
	close_vm(w);
	guest_fail_requests(w, &e);
	vm_forget_template(w);
	w->last_request = 0;
	w->start = VMM_START_BOOT;
	w->boot_failure.code = 0;
	event_timer_set(w->boot_timer, BOOT_USEC(w));
	return vm_start(w, err);
}

void vm_forget_template(struct worker *w)
{
	memory_done(w);
	w->clone_timer = event_source_free(w->clone_timer);
	w->template_dirfd = fd_close(w->template_dirfd);
	w->memory_fd = fd_close(w->memory_fd);
	w->devices_fd = fd_close(w->devices_fd);
}

int vm_failed(struct worker *w, const struct error *e)
{
	if (!has_another_chance(w, e))
		return worker_fail(w, e);
	if (!w->boot_failure.code)
		w->boot_failure = *e;
	vm_kill(w); /* and goes on when it has exited */
	return 0;
}

static int on_vmm_exit(void *data, _unused_ int fd, _unused_ uint32_t events, struct error *err)
{
	struct worker *w = data;
	struct error e;

	process_wait(w->vmm_pid, &w->vmm_status);
	w->vmm_running = false;
	if (w->phase == PHASE_BOOTING && (w->start == VMM_START_CLONE || w->boot_failure.code))
		return boot_instead(w, err) < 0 ? worker_fail(w, err) : 0;
	if (w->phase != PHASE_POWER_OFF) {
		explain_exit(w, &e);
		worker_fail(w, &e);
	}
	event_loop_exit(w->loop, 0);
	return 0;
}

static int on_monitor_failed(void *data, const struct error *reason, _unused_ struct error *err)
{
	return vm_failed(data, reason);
}

static int on_clone_timeout(void *data, _unused_ struct error *err)
{
	struct worker *w = data;
	struct error e;

	error_set(&e, ETIMEDOUT, "no answer within %u seconds", w->setup->vm->template->timeout);
	return vm_failed(w, &e);
}

/* The clone's agent has said HELLO when it was in the template: it is told at once who it is now. */
static int load(struct worker *w, struct error *err)
{
	const struct hv_worker_clone *t = w->setup->vm->template;
	int r = w->vmm->load(w->monitor, w->devices_fd, err);

	if (r == 0)
		r = event_add_timer(w->loop, (uint64_t)t->timeout * 1000000, on_clone_timeout, w, &w->clone_timer, err);
	return r < 0 ? r : guest_seed(w, t->version, err);
}

static int make_pairs(const struct worker *w, int pairs[_PAIRS][2], struct error *err)
{
	for (int i = 0; i < _PAIRS; i++) {
		bool needed = i != FILES && (i != MONITOR || w->start != VMM_START_BOOT || spares_exist(w));
		int r = needed ? fd_socketpair(SOCK_STREAM, pairs[i]) : 0;

		if (r < 0)
			return error_errnum(err, r, "socketpair");
	}
	return 0;
}

/* A worker that has joined no network namespace has made one: that is empty but for the taps, and the VMM's, too. */
static int start(struct worker *w, char *const *argv, const int *keep, size_t n_keep, int stderr_fd, struct error *err)
{
	const struct hv_worker_jail *jail = w->setup->vm->jail;
	const struct jail_start s = {
		.who = w->setup->vm->virtiofsd ? JAIL_VMM_ALONE : JAIL_VMM, .argv = argv, .stderr_fd = stderr_fd, .keep_fds = keep, .n_keep_fds = n_keep,
		.label = jail ? jail->label : NULL, .file_capabilities = jail && jail->file_capabilities,
		.mounts_fd = w->mounts_fd, .new_network = w->setup->join_network, .ask_for_memory = w->start == VMM_START_CLONE,
	};
	int r = jail_start(&s, &w->vmm_pid, &w->vmm_pidfd, &w->memory_listen_fd, err);

	if (r < 0)
		return r;
	w->vmm_running = true;
	w->attempts++;
	startup_mark(w, STARTUP_VMM);
	return w->memory_listen_fd < 0 ? 0 : memory_serve(w, err);
}

static int spawn(struct worker *w, int pairs[_PAIRS][2], int stderr_fd, struct error *err)
{
	int keep[6 + VMM_NICS_MAX + VMM_DISKS_MAX] = { pairs[CONTROL][1], pairs[STREAM][1], pairs[CONSOLE][1] };
	_cleanup_strv_ char **argv = NULL;
	_cleanup_free_ char *line = NULL;
	size_t n_keep = 3;
	struct vm_spec spec;
	int r;

	if (pairs[MONITOR][1] >= 0)
		keep[n_keep++] = pairs[MONITOR][1];
	if (w->start != VMM_START_BOOT)
		keep[n_keep++] = w->memory_fd;
	if (pairs[FILES][1] >= 0)
		keep[n_keep++] = pairs[FILES][1];
	for (unsigned i = 0; i < w->n_nics; i++)
		keep[n_keep++] = w->nic_fds[i];
	for (unsigned i = 0; i < w->n_disks && w->start != VMM_START_TEMPLATE; i++)
		keep[n_keep++] = w->disks[i].fd;
	fill_spec(w, pairs, &spec);
	argv = w->vmm->command(&spec, w->setup->vm->binary);
	r = start(w, argv, keep, n_keep, stderr_fd, err);
	if (r < 0)
		return error_wrap(err, "start %s", argv[0]);
	line = str_join(argv, " ");
	log_debug("vmm %d: %s", (int)w->vmm_pid, line);
	log_file_write(&w->vmm_log, line, strlen(line));
	log_file_write(&w->vmm_log, "\n", 1);
	return 0;
}

static int open_monitor(struct worker *w, int fd, struct error *err)
{
	static const struct vmm_monitor_ops ops = { .failed = on_monitor_failed, .changed = spares_changed };

	return fd < 0 ? 0 : w->vmm->monitor_new(w->loop, fd, &ops, w, &w->monitor, err);
}

/* Our ends go on the loop. */
static int watch(struct worker *w, int pairs[_PAIRS][2], int stderr_fd, struct error *err)
{
	int r;

	w->console_fd = TAKE_FD(pairs[CONSOLE][0]);
	w->vmm_stderr_fd = stderr_fd;
	fd_set_nonblock(w->console_fd, 1);
	fd_set_nonblock(w->vmm_stderr_fd, 1);
	r = event_add_fd(w->loop, w->vmm_pidfd, EPOLLIN, on_vmm_exit, w, &w->exit_source, err);
	if (r == 0)
		r = event_add_fd(w->loop, w->console_fd, EPOLLIN, on_console, w, &w->console_source, err);
	if (r == 0)
		r = event_add_fd(w->loop, w->vmm_stderr_fd, EPOLLIN, on_vmm_stderr, w, &w->stderr_source, err);
	if (r == 0)
		r = channel_new(w->loop, TAKE_FD(pairs[CONTROL][0]), FRAME_CONTROL_MAX, &guest_channel_ops, w, &w->control, err);
	if (r == 0)
		r = mux_new(w->loop, TAKE_FD(pairs[STREAM][0]), true, &guest_mux_ops, w, &w->mux, err);
	if (r == 0)
		r = open_monitor(w, TAKE_FD(pairs[MONITOR][0]), err);
	return r;
}

int vm_start(struct worker *w, struct error *err)
{
	int pairs[_PAIRS][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 }, { -1, -1 }, { -1, -1 } };
	int out[2], r;

	r = make_pairs(w, pairs, err);
	if (r == 0 && pipe2(out, O_CLOEXEC) < 0)
		r = error_errno(err, "pipe2");
	if (r == 0) {
		r = w->setup->vm->virtiofsd ? file_server_start(w, out[1], &pairs[FILES][1], err) : 0;
		if (r == 0)
			r = spawn(w, pairs, out[1], err);
		fd_close(out[1]);
		if (r == 0)
			r = watch(w, pairs, out[0], err);
		else
			fd_close(out[0]);
	}
	close_pairs(pairs);
	if (r == 0 && w->start == VMM_START_CLONE)
		r = load(w, err);
	if (r < 0 && w->start == VMM_START_CLONE && w->vmm_running)
		return vm_failed(w, err);
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
	close_vm(w);
	vm_forget_template(w);
	network_close(w);
}

/* What the agent said as its last word (agent/boot.h), or the last line with something in it, for one that is no kernel message's tail. */
static const char *last_line(char *text)
{
	char *agent = strstr(text, "hvrun-agent: ");

	if (agent) {
		agent[strcspn(agent, "\r\n")] = '\0';
		return agent;
	}
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
