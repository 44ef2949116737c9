/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The worker takes its place, before the VMM is started and inherits it: the container's network namespace, its terminal, and at last, for nothing of
 * the host's can be opened after that, the jail.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <ocispec/types.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "linux/sys.h"
#include "schema/types.h"
#include "vmwp/worker.h"

enum { FILES_MAX = 8192 };

/* Each exec has a connection and three descriptors here, and the usual soft limit is 1024. */
static void raise_file_limit(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur >= FILES_MAX)
		return;
	files.rlim_cur = MIN(files.rlim_max, (rlim_t)FILES_MAX);
	setrlimit(RLIMIT_NOFILE, &files);
}

static int enter_network(bool join, int fd, struct error *err)
{
	int r = join ? sys_setns(fd, CLONE_NEWNET) : sys_unshare(CLONE_NEWNET);

	return r < 0 ? error_errnum(err, r, join ? "join the network namespace" : "make a network namespace") : 0;
}

/* Ours to relay from now on; 0, 1 and 2 must not keep open what the container closes. */
static int take_stdio(struct worker *w, struct error *err)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return error_errno(err, "open /dev/null");
	for (int i = 0; i < 3; i++) {
		w->stdio[i] = fcntl(i, F_DUPFD_CLOEXEC, 3);
		if (w->stdio[i] < 0 || dup2(null, i) < 0)
			return error_errno(err, "take fd %d over", i);
	}
	fd_close(null);
	return 0;
}

/* The optional descriptors, in the order of worker.json; the shares are what is left. */
struct setup_fds {
	int network, console;
	const int *shares;
	size_t n_shares;
};

static int take_disks(struct worker *w, int *fds, struct error *err)
{
	const struct hv_worker_vm *vm = w->setup->vm;

	if (vm->n_disks > VMM_DISKS_MAX)
		return error_set(err, EPROTO, "SETUP: %zu disks, at most %d are possible", vm->n_disks, VMM_DISKS_MAX);
	for (; w->n_disks < vm->n_disks; w->n_disks++) {
		const struct hv_worker_disk *d = &vm->disks[w->n_disks];
		enum vmm_disk_format format = vmm_disk_format_from_string(d->format);

		if (format < 0)
			return error_set(err, EPROTO, "SETUP: \"%s\" is not a format of disks", d->format);
		w->disks[w->n_disks] = (struct vmm_disk){ .fd = TAKE_FD(fds[w->n_disks]), .format = format, .readonly = d->readonly,
							  .device = d->device, .unlocked = d->unlocked };
	}
	return 0;
}

static int sort_fds(struct worker *w, int *fds, size_t n_fds, struct setup_fds *ret, struct error *err)
{
	const struct hv_worker_setup *s = w->setup;
	size_t want = 2 + (s->vm->template ? 3 : 0) + (s->join_network ? 1 : 0) + (s->console ? 1 : 0) + s->n_shares + s->vm->n_disks, i = 0;

	if (n_fds != want)
		return error_set(err, EPROTO, "SETUP: %zu descriptors came, %zu are needed", n_fds, want);
	w->state_dirfd = TAKE_FD(fds[0]);
	w->listen_fd = TAKE_FD(fds[1]);
	i = 2;
	if (s->vm->template) {
		w->start = VMM_START_CLONE;
		w->template_dirfd = TAKE_FD(fds[i]);
		w->memory_fd = TAKE_FD(fds[i + 1]);
		w->devices_fd = TAKE_FD(fds[i + 2]);
		i += 3;
	}
	ret->network = s->join_network ? fds[i++] : -1;
	ret->console = s->console ? fds[i++] : -1;
	ret->shares = fds + i;
	ret->n_shares = s->n_shares;
	return take_disks(w, fds + i + s->n_shares, err);
}

int setup_worker(struct worker *w, int *fds, size_t n_fds, struct error *err)
{
	struct setup_fds f = { 0 };
	int r;

	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	prctl(PR_SET_DUMPABLE, 0);
	raise_file_limit();
	r = sort_fds(w, fds, n_fds, &f, err);
	if (r == 0)
		r = log_file_open(&w->console_log, "--vm-console", w->setup->console_log, LOG_FILE_MAX, err);
	if (r == 0)
		r = log_file_open(&w->vmm_log, "--vm-log", w->setup->vmm_log, LOG_FILE_MAX, err);
	if (r == 0)
		r = take_stdio(w, err);
	if (r == 0)
		r = enter_network(w->setup->join_network, f.network, err);
	if (r == 0)
		r = network_open(w, err);
	if (r == 0 && f.console >= 0)
		r = w->tty_fd = terminal_open(fcntl(f.console, F_DUPFD_CLOEXEC, 3), w->setup->console_size, err);
	if (r >= 0)
		r = jail_enter(w, f.shares, f.n_shares, err);
	for (size_t i = 0; i < n_fds; i++)
		fds[i] = fd_close(fds[i]);
	return r < 0 ? r : 0;
}
