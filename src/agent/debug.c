/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * DEBUG: a program of the host's operator that runs beside the agent: in its namespaces and cgroup, with all its privileges, and not in any container.
 * Nothing here depends on a container or on the share, for that may be what is looked into.
 *
 * The program comes on a stream of its own and is kept in a memfd, which has no name that anybody could open. That it is executed while
 * our descriptor, which could be written to, is open is fine for a memfd: only open(2) for writing counts for ETXTBSY. The terminal is of a devpts that is mounted
 * nowhere: no container has a way to it, whatever it may mount.
 */
#include <errno.h>
#include <fcntl.h>
#include <ocispec/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/process.h"
#include "linux/mount.h"
#include "linux/pty.h"
#include "linux/sys.h"
#include "schema/json.h"
#include "schema/types.h"

/* A program that is on its way. */
struct upload {
	struct upload *next;
	struct request req; /* answered when the program runs */
	struct oci_doc *doc;
	int fd;
};

static const struct hv_agent_exec *message_of(const struct upload *u)
{
	return u->req.message;
}

static struct upload *find(const struct agent *a, uint32_t number)
{
	struct upload *u = a->uploads;

	while (u && (uint32_t)message_of(u)->number != number)
		u = u->next;
	return u;
}

static void upload_free(struct agent *a, struct upload *u)
{
	struct upload **at = &a->uploads;

	while (*at != u)
		at = &(*at)->next;
	*at = u->next;
	fd_close(u->fd);
	oci_doc_free(u->doc);
	free(u);
}

void debugs_done(struct agent *a)
{
	while (a->uploads)
		upload_free(a, a->uploads);
}

bool debug_awaits(const struct agent *a, uint32_t number)
{
	return find(a, number);
}

int debug_program(const struct agent *a, uint32_t number)
{
	const struct upload *u = find(a, number);

	return u ? u->fd : -1;
}

int debug_begin(struct agent *a, const struct request *req, struct oci_doc *doc, struct error *err)
{
	const struct hv_agent_exec *m = req->message;
	int fd = memfd_create("debug-shell", MFD_CLOEXEC), sink = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
	struct upload *u;

	if (sink < 0) {
		error_errno(err, "DEBUG: make a file for the program");
		fd_close(fd);
		oci_doc_free(doc);
		return -err->code;
	}
	u = xcalloc(1, sizeof(*u));
	*u = (struct upload){ .next = a->uploads, .req = *req, .doc = doc, .fd = fd };
	a->uploads = u;
	mux_add_sink(a->mux, stream_id((uint32_t)m->number, STREAM_PROGRAM), sink);
	mux_grant(a->mux, (uint32_t)m->number);
	return 0;
}

static int check_size(const struct upload *u, struct error *err)
{
	struct stat st;

	if (fstat(u->fd, &st) < 0)
		return error_errno(err, "DEBUG: the program");
	if ((uint64_t)st.st_size != message_of(u)->program_size)
		return error_set(err, EIO, "DEBUG: %lld bytes of the program's %llu have come", (long long)st.st_size,
				 (unsigned long long)message_of(u)->program_size);
	return 0;
}

void debug_arrived(struct agent *a, uint32_t number)
{
	struct upload *u = find(a, number);
	struct job_io io = { .number = number };
	struct error err;
	int r;

	if (!u || mux_has(a->mux, stream_id(number, STREAM_PROGRAM)))
		return;
	io.terminal = message_of(u)->process->terminal;
	r = check_size(u, &err);
	if (r == 0) /* finds the program by its number */
		r = job_start(a, &u->req, &io, verb_debug, TAKE_PTR(u->doc), &err);
	if (r < 0)
		channel_send_error(a->control, u->req.type, u->req.id, &err);
	upload_free(a, u);
}

static int open_terminal(int console_socket, const struct oci_box *size, struct error *err)
{
	const struct mount_fs fs = { .type = "devpts", .source = "devpts", .attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC };
	_cleanup_fd_ int mount = mount_new_fs(&fs, err), master = -1, slave = -1;
	int r;

	if (mount < 0)
		return error_wrap(err, "DEBUG: terminal");
	master = openat(mount, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0)
		return error_errno(err, "DEBUG: open a terminal");
	slave = pty_open_peer(master, err);
	if (slave < 0)
		return error_wrap(err, "DEBUG");
	r = size ? pty_set_size(slave, size->height, size->width) : 0;
	if (r == 0)
		r = pty_send(console_socket, master, "/dev/ptmx");
	return r < 0 ? error_errnum(err, r, "DEBUG: set up the terminal") : TAKE_FD(slave);
}

int verb_debug(const struct verb_context *v, pid_t *ret_pid, _unused_ struct buf *reply, struct error *err)
{
	const struct oci_process *p = ((const struct hv_agent_exec *)v->message)->process;
	_cleanup_fd_ int slave = p->terminal ? open_terminal(v->console_socket, p->console_size, err) : -1;
	char path[32];
	struct process_spawn s = {
		.path = path,
		.argv = p->args,
		.envp = p->env,
		.stdio = { v->stdio[0], v->stdio[1], v->stdio[2] },
		.cwd = p->cwd,
		.new_session = true,
		.terminal = p->terminal,
	};
	int r;

	if (p->terminal && slave < 0)
		return slave;
	for (int i = 0; i < 3 && p->terminal; i++)
		s.stdio[i] = slave;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", v->program_fd);
	r = process_spawn(&s, ret_pid);
	return r < 0 ? error_errnum(err, r, "execute the program in the guest") : 0;
}
