/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hvrun-agent: PID 1 of the guest, where it is /init of an initramfs and gets no arguments. It boots the guest, then serves
 * the host until that says DESTROY or is gone; whatever goes wrong ends in a power-off, which the host sees.
 *
 * With arguments it serves a test over inherited sockets, as an ordinary process that leaves the machine as it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/boot.h"
#include "agent/disks.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/options.h"
#include "base/path.h"
#include "linux/selfexe.h"

enum { PORT_TIMEOUT_MS = 10000 };

#define GUEST_STATE_DIR "/run/hvrun"

struct options {
	uint32_t control_fd, stream_fd;
	const char *root, *cgroup_manager;
};

static const struct option_def option_defs[] = {
	{ "control-fd", 0, OPTION_U32, offsetof(struct options, control_fd), "FD", "socket of the control port", NULL },
	{ "stream-fd", 0, OPTION_U32, offsetof(struct options, stream_fd), "FD", "socket of the stream port", NULL },
	{ "root", 0, OPTION_STRING, offsetof(struct options, root), "DIR", "state directory", NULL },
	{ "cgroup-manager", 0, OPTION_STRING, offsetof(struct options, cgroup_manager), "NAME", "cgroupfs or disabled", NULL },
	{ 0 },
};

static int open_root(struct agent *a, const char *root, struct error *err)
{
	int r = file_mkdir_p(AT_FDCWD, root, 0700);

	if (r >= 0)
		r = file_open_dir(AT_FDCWD, root);
	if (r < 0)
		return error_errnum(err, r, "%s", root);
	a->env.root = root;
	a->env.root_dirfd = r;
	a->bundles = path_join(root, ".bundles");
	return 0;
}

/*
 * selfexe_protect() calls us by the name that we were executed by: /init, say. "start" tells our processes from what they have become by the name
 * (native/low_memory.c), and no program of a container has this one.
 */
static int protect(char **argv, struct error *err)
{
	int r = selfexe_protect(argv, err);

	prctl(PR_SET_NAME, "hvrun-agent");
	return r;
}

/* The guest is booted first: selfexe_protect() needs /proc, and finds an image that cannot be written. If it were not so it would execute us again. */
static int serve_guest(struct agent *a, char **argv, struct error *err)
{
	int control, stream, r;

	a->env.layer_dir = DISKS_LAYER_DIR;
	r = boot_guest(err);
	if (r >= 0)
		r = protect(argv, err);
	if (r >= 0)
		r = open_root(a, GUEST_STATE_DIR, err);
	if (r >= 0)
		r = prepare(&a->prepared, err);
	if (r < 0)
		return r;
	control = boot_open_port(PROTOCOL_PORT_CONTROL, PORT_TIMEOUT_MS, err);
	if (control < 0)
		return control;
	stream = boot_open_port(PROTOCOL_PORT_STREAM, PORT_TIMEOUT_MS, err);
	if (stream < 0)
		return stream;
	return agent_run(a, control, stream, err);
}

static int serve_test(struct agent *a, char **argv, struct error *err)
{
	struct options opts = { .cgroup_manager = "disabled" };
	char **rest;
	int r;

	r = protect(argv, err);
	if (r >= 0)
		r = options_parse(option_defs, &opts, argv + 1, &rest, err);
	if (r < 0)
		return r;
	if (r == OPTIONS_HELP || *rest || !opts.control_fd || !opts.stream_fd || !opts.root)
		return error_set(err, EINVAL, "usage: hvrun-agent --control-fd FD --stream-fd FD --root DIR (or none, as PID 1 of a guest)");
	a->env.cgroup_manager = r = cgroup_manager_from_string(opts.cgroup_manager, err);
	if (r >= 0)
		r = open_root(a, opts.root, err);
	if (r < 0)
		return r;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	fd_set_cloexec((int)opts.control_fd, 1);
	fd_set_cloexec((int)opts.stream_fd, 1);
	return agent_run(a, (int)opts.control_fd, (int)opts.stream_fd, err);
}

int main(_unused_ int argc, char **argv)
{
	struct agent a = { .env = { .root_dirfd = -1, .cgroup_manager = CGROUP_MANAGER_CGROUPFS }, .prepared = PREPARED_NONE };
	struct error err;
	int r;

	a.guest = getpid() == 1 && !argv[1];
	r = a.guest ? serve_guest(&a, argv, &err) : serve_test(&a, argv, &err);
	if (r < 0)
		dprintf(STDERR_FILENO, "hvrun-agent: %s\n", err.msg);
	if (r < 0 && a.guest)
		boot_complain(&err);
	if (a.guest)
		boot_power_off();
	fd_close(a.env.root_dirfd);
	free(a.bundles);
	return r < 0 ? 1 : 0;
}
