/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hvrun-vmwp: the host process that stands for a container in a VM (its own, or its pod's), for an exec or a debugging shell in one, or makes a template. Only hvrun starts it, with a socket whose
 * number is in the environment; the first message there says what to be. Its arguments are for whoever reads the list of
 * processes: "hvrun-vmwp web", "hvrun-vmwp web exec", "hvrun-vmwp web debug-shell", "hvrun-vmwp web member".
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/num.h"
#include "base/process.h"
#include "proto/client.h"
#include "vmwp/worker.h"

static int take_number(const char *name, int max)
{
	const char *s = getenv(name);
	int n = -1;

	if (!s || num_parse_int(s, 0, max, &n) < 0)
		return -1;
	unsetenv(name);
	return n;
}

/* The log of the hvrun that started us. Its stderr is the container's, and will not be our fd 2 for long. */
static void open_log(void)
{
	int fd = take_number("HVRUN_LOG_FD", INT_MAX), format = take_number("HVRUN_LOG_FORMAT", LOG_FORMAT_JSON);
	int level = take_number("HVRUN_LOG_LEVEL", LOG_LEVEL_DEBUG);
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	if (fd > STDERR_FILENO)
		fd_close(fd);
	if (own >= 0 && format >= 0 && level >= 0)
		log_attach(own, (enum log_format)format, (enum log_level)level);
}

static int run(const char *id, int sock, struct error *err)
{
	int fds[SETUP_FDS_MAX], status = 0, r;
	struct frame_reader reader;
	struct frame f;
	size_t n_fds;

	frame_reader_init(&reader, FRAME_CONTROL_MAX);
	r = client_receive(sock, &reader, -1, &f, fds, SETUP_FDS_MAX, &n_fds, err);
	if (r == 0)
		r = error_set(err, ECONNRESET, "hvrun has gone");
	if (r > 0 && f.type == MESSAGE_SETUP && !f.flags)
		r = worker_run(id, sock, &f, fds, n_fds, err);
	else if (r > 0 && f.type == MESSAGE_TEMPLATE && !f.flags)
		r = template_run(sock, &f, fds, n_fds, err);
	else if (r > 0 && (f.type == MESSAGE_EXEC || f.type == MESSAGE_DEBUG) && !f.flags)
		r = exec_run(sock, &f, fds, n_fds, &status, err);
	else if (r > 0 && f.type == MESSAGE_JOIN && !f.flags)
		r = join_run(sock, &f, fds, n_fds, &status, err);
	else if (r > 0)
		r = error_set(err, EPROTO, "the first message is a %s", message_to_string(f.type));
	frame_reader_done(&reader);
	if (r == 0)
		process_exit_like(status);
	return r;
}

int main(int argc, char **argv)
{
	int sock = take_number("HVRUN_WORKER_FD", INT_MAX);
	struct error err;

	if (argc < 2 || sock < 0) {
		dprintf(STDERR_FILENO, "hvrun-vmwp is started by hvrun, for containers of runtime type HyperV\n");
		return 1;
	}
	fd_set_cloexec(sock, 1);
	open_log();
	if (run(argv[1], sock, &err) < 0)
		log_debug("hvrun-vmwp: %s", err.msg); /* whoever started us has been told */
	return 255;
}
