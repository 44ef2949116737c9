/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The last part of a process's way into the container, between its namespaces and its credentials:
 * runtime-spec config.md "Process". Whatever is looked up here belongs to the container and is hostile: found
 * below root_fd, opened without blocking, read within bounds.
 */
#include "native/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "linux/ioprio.h"
#include "linux/keyring.h"
#include "linux/personality.h"
#include "linux/procfs.h"
#include "linux/pty.h"
#include "linux/safe_open.h"
#include "linux/sys.h"
#include "native/executable.h"
#include "native/plan.h"

int setup_init(struct setup *s, const struct plan_process *plan, const struct process_io *io,
	       struct error *err)
{
	*s = (struct setup){
		.plan = plan, .io = io, .procfs_fd = -1, .root_fd = -1, .null_fd = -1, .slave_fd = -1
	};
	if (plan->terminal && io->console_socket < 0)
		return error_set(err, EINVAL,
				 "process.terminal: a console socket is needed for the terminal's master");
	for (unsigned i = 0; i < io->preserve_fds; i++)
		if (fcntl(3 + (int)i, F_GETFD) < 0)
			return error_errno(err, "cannot preserve file descriptor %u", 3 + i);
	s->procfs_fd = procfs_open(err);
	if (s->procfs_fd < 0)
		return s->procfs_fd;
	if (io->stdio[0] >= 0 && io->stdio[1] >= 0 && io->stdio[2] >= 0)
		return 0;
	s->null_fd = sys_openat(AT_FDCWD, "/dev/null", O_RDWR | O_NOCTTY | O_CLOEXEC, 0);
	return s->null_fd < 0 ? error_errnum(err, s->null_fd, "open /dev/null") : 0;
}

void setup_done(struct setup *s)
{
	s->procfs_fd = fd_close(s->procfs_fd);
	s->root_fd = fd_close(s->root_fd);
	s->null_fd = fd_close(s->null_fd);
	s->slave_fd = fd_close(s->slave_fd);
}

int setup_terminal(struct setup *s, struct error *err)
{
	_cleanup_fd_ int master = -1;
	int r;

	if (!s->plan->terminal)
		return 0;
	master = safe_open(s->root_fd, "/dev/pts/ptmx", O_RDWR | O_NOCTTY);
	if (master < 0)
		return error_errnum(err, master, "process.terminal: open /dev/pts/ptmx in the container");
	s->slave_fd = pty_open_peer(master, err);
	if (s->slave_fd < 0)
		return error_wrap(err, "process.terminal");
	r = pty_set_size(s->slave_fd, s->plan->rows, s->plan->columns);
	if (r < 0)
		return error_errnum(err, r, "process.consoleSize");
	if (fchown(s->slave_fd, s->plan->uid, (gid_t)-1) < 0 && errno != EINVAL && errno != EPERM)
		return error_errno(err, "process.terminal: give the terminal to user %u", s->plan->uid);
	r = pty_send(s->io->console_socket, master, "/dev/ptmx");
	return r < 0 ? error_errnum(err, r, "send the terminal to the console socket") : 0;
}

/* Moves three fds to 0, 1, 2, whatever numbers they have: out of the way first, then to their places. */
static int place_stdio(const struct setup *s, const int from[3], struct error *err)
{
	int copy[3];

	for (int i = 0; i < 3; i++) {
		copy[i] = fcntl(from[i], F_DUPFD_CLOEXEC, 3 + (int)s->io->preserve_fds);
		if (copy[i] < 0)
			return error_errno(err, "duplicate file descriptor %d for stdio", from[i]);
	}
	for (int i = 0; i < 3; i++) {
		if (dup2(copy[i], i) < 0)
			return error_errno(err, "make file descriptor %d", i);
		close(copy[i]);
	}
	return 0;
}

/* The user may open its own /dev/stdout again: it gets what is not the null device and not its already. */
static void own_stdio(const struct plan_process *p)
{
	struct stat st;

	for (int fd = 0; fd < 3; fd++) {
		if (fstat(fd, &st) < 0 || st.st_uid == p->uid)
			continue;
		if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3))
			continue;
		if (fchown(fd, p->uid, (gid_t)-1) <
		    0) /* not ours to give: a file of somebody else's, a read-only mount */
			continue;
	}
}

int setup_session(struct setup *s, struct error *err)
{
	int from[3];
	int r = sys_setsid();

	if (r < 0 && r != -EPERM) /* -EPERM: it leads one already */
		return error_errnum(err, r, "setsid");
	for (int i = 0; i < 3; i++) {
		from[i] = s->slave_fd >= 0 ? s->slave_fd : s->io->stdio[i];
		if (from[i] < 0)
			from[i] = s->null_fd;
	}
	if (from[0] != 0 || from[1] != 1 || from[2] != 2) {
		r = place_stdio(s, from, err);
		if (r < 0)
			return r;
	}
	if (s->slave_fd < 0) {
		own_stdio(s->plan);
		return 0;
	}
	r = pty_make_controlling(0);
	s->slave_fd = fd_close(s->slave_fd);
	return r < 0 ? error_errnum(err, r, "make the terminal the controlling one") : 0;
}

static int join_keyring(struct setup *s, struct error *err)
{
	int r;

	if (!s->plan->keyring)
		return 0;
	r = lsm_set_key_label(s->procfs_fd, &s->plan->labels, false, err);
	if (r < 0)
		return r;
	r = keyring_join_session(s->plan->keyring);
	if (r < 0)
		return error_errnum(err, r, "make the session keyring");
	return lsm_set_key_label(s->procfs_fd, &s->plan->labels, true, err);
}

int setup_limits(struct setup *s, struct error *err)
{
	const struct plan_process *p = s->plan;
	int r = join_keyring(s, err);

	if (r == 0)
		r = scheduler_apply(&p->scheduler, err);
	if (r == 0)
		r = ioprio_apply(p->ioprio, err);
	if (r == 0)
		r = mempolicy_apply(&p->mempolicy, err);
	if (r == 0)
		r = personality_apply(p->personality, err);
	if (r == 0)
		r = lsm_set_exec_labels(s->procfs_fd, &p->labels, err);
	if (r == 0)
		r = rlimits_apply(&p->rlimits, err);
	return r;
}

/* The kernel says "(unreachable)" for a directory outside the root: a descriptor of the host's that leaked
 * (CVE-2024-21626). */
static int check_cwd(const char *cwd, struct error *err)
{
	char path[PATH_MAX];

	if (syscall(SYS_getcwd, path, sizeof(path)) < 0)
		return error_errno(err, "process.cwd \"%s\"", cwd);
	if (path[0] != '/')
		return error_set(err, EPERM, "process.cwd \"%s\" is outside the container's root", cwd);
	return 0;
}

static int enter_cwd(struct setup *s, struct error *err)
{
	const char *cwd = s->plan->cwd;
	_cleanup_fd_ int fd = safe_open(s->root_fd, cwd, O_PATH | O_DIRECTORY);
	int r = fd < 0 ? fd : sys_fchdir(fd);

	if (r < 0)
		return error_errnum(err, r, "process.cwd: chdir to \"%s\"", cwd);
	return check_cwd(cwd, err);
}

int setup_place(struct setup *s, struct error *err)
{
	int r = enter_cwd(s, err);

	/* root may be less than the user there: a network file system that maps it to nobody */
	s->cwd_pending = r == -EACCES;
	if (r < 0 && !s->cwd_pending)
		return r;
	if (s->plan->needs_home)
		s->plan->env[s->plan->n_env] = executable_home(s->root_fd, s->plan->uid, s->home);
	return executable_find(s->plan->args[0], s->plan->env, s->executable, err);
}

int setup_late_cwd(struct setup *s, struct error *err)
{
	return s->cwd_pending ? enter_cwd(s, err) : 0;
}

int setup_exec(struct setup *s, struct error *err)
{
	int r = sys_execve(s->executable, s->plan->args, s->plan->env);

	return error_errnum(err, r, "exec %s", s->executable);
}
