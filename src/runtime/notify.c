/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sd_notify(3) for containers. The service manager takes notifications from processes of the unit by a path of the host, so the container
 * gets a socket of its own (a directory of the state directory, at /run/notify) and somebody on the host passes on what comes: a
 * process that start leaves behind, which holds nothing but that socket and ends with the container. There is none without
 * $NOTIFY_SOCKET. The container is not trusted: fields are those of the table, pids are ours, descriptors pass only for a barrier.
 */
#include "runtime/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <ocispec/doc.h>
#include <ocispec/types.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/process.h"
#include "base/str.h"
#include "container/bundle.h"
#include "container/container.h"
#include "linux/sys.h"
#include "schema/types.h"

#define NOTIFY_DIR "notify"
#define NOTIFY_NAME "notify.sock"
#define NOTIFY_MOUNT "/run/notify"

enum { DATAGRAM_MAX = 8192 };

unsigned listen_fds(void)
{
	const char *fds = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
	int n, owner;

	if (!fds || num_parse_int(fds, 0, 4096, &n) < 0)
		return 0;
	if (pid && (num_parse_int(pid, 1, INT32_MAX, &owner) < 0 || owner != getpid()))
		return 0;
	return (unsigned)n;
}

void env_set(struct oci_doc *doc, char ***env, size_t *n_env, const char *name, const char *value)
{
	_cleanup_free_ char *text = xasprintf("%s=%s", name, value);
	size_t len = strlen(name) + 1;

	for (size_t i = 0; i < *n_env; i++)
		if (strncmp((*env)[i], text, len) == 0) {
			(*env)[i] = oci_doc_strdup(doc, text);
			return;
		}
	*(char **)oci_doc_append(doc, env, n_env, sizeof(char *)) = oci_doc_strdup(doc, text);
}

static void add_mount(struct oci_doc *doc, struct oci_config *config, const char *source)
{
	static const char *const options[] = { "bind", "nosuid", "nodev", "noexec", "ro" };
	struct oci_mount *m = oci_doc_append(doc, &config->mounts, &config->n_mounts, sizeof(*m));

	*m = (struct oci_mount){ .destination = oci_doc_strdup(doc, NOTIFY_MOUNT),
				 .type = oci_doc_strdup(doc, "bind"),
				 .source = oci_doc_strdup(doc, source) };
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		*(char **)oci_doc_append(doc, &m->options, &m->n_options, sizeof(char *)) = oci_doc_strdup(doc, options[i]);
}

int notify_prepare(const char *root, const struct container *c, const struct isolation_ops *ops, const struct bundle *b,
		   struct error *err)
{
	struct oci_config *config = oci_doc_root(b->doc);
	struct oci_process *p = config->process;
	_cleanup_free_ char *source = NULL;
	char number[16];

	if (!p)
		return 0;
	if (listen_fds() > 0) {
		snprintf(number, sizeof(number), "%u", listen_fds());
		env_set(b->doc, &p->env, &p->n_env, "LISTEN_FDS", number);
		env_set(b->doc, &p->env, &p->n_env, "LISTEN_PID", "1");
	}
	if (!getenv("NOTIFY_SOCKET"))
		return 0;
	if (!ops->shares_kernel) {
		log_warning("$NOTIFY_SOCKET: notifications do not leave a virtual machine, the service manager will get none");
		return 0;
	}
	if (mkdirat(c->dirfd, NOTIFY_DIR, 0755) < 0 || fchmodat(c->dirfd, NOTIFY_DIR, 0755, 0) < 0)
		return error_errno(err, "make the directory of the notify socket");
	source = xasprintf("%s/%s/" NOTIFY_DIR, root, c->id);
	add_mount(b->doc, config, source);
	env_set(b->doc, &p->env, &p->n_env, "NOTIFY_SOCKET", NOTIFY_MOUNT "/" NOTIFY_NAME);
	return 0;
}

/* Bound through the directory's fd: a path of any length. Every user of the container may write to it. */
int notify_bind(const struct container *c, int *ret, struct error *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	_cleanup_fd_ int sock = -1, dirfd = -1;

	*ret = -1;
	dirfd = openat(c->dirfd, NOTIFY_DIR, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dirfd < 0 || !getenv("NOTIFY_SOCKET"))
		return 0;
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock < 0)
		return error_errno(err, "socket");
	unlinkat(dirfd, NOTIFY_NAME, 0);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/" NOTIFY_NAME, dirfd);
	if (bind(sock, (struct sockaddr *)&addr, sizeof(addr)) < 0 || fchmodat(dirfd, NOTIFY_NAME, 0777, 0) < 0)
		return error_errno(err, "bind the notify socket");
	*ret = TAKE_FD(sock);
	return 0;
}

/* Rewriting ----------------------------------------------------------------------------------------- */

/* What is passed on; the others (FDSTORE, NOTIFYACCESS ...) are about the unit, not about the service. */
static const struct {
	const char *field;
	unsigned flag; /* when the whole line is this */
} fields[] = {
	{ "READY=1", NOTIFY_READY }, { "BARRIER=1", NOTIFY_BARRIER }, { "RELOADING=", 0 },
	{ "STOPPING=", 0 },	     { "STATUS=", 0 },		      { "WATCHDOG=", 0 },
	{ "WATCHDOG_USEC=", 0 },     { "EXTEND_TIMEOUT_USEC=", 0 },   { "MONOTONIC_USEC=", 0 },
	{ "ERRNO=", 0 },	     { "BUSERROR=", 0 },	      { "EXIT_STATUS=", 0 },
	{ "MAINPID=", 0 },
};

static bool is_field(const char *line, size_t len, size_t row)
{
	size_t n = strlen(fields[row].field);

	return fields[row].flag ? len == n && memcmp(line, fields[row].field, n) == 0
				: len >= n && memcmp(line, fields[row].field, n) == 0;
}

static unsigned rewrite_line(const char *line, size_t len, pid_t pid, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (!is_field(line, len, i))
			continue;
		if (str_eq(fields[i].field, "MAINPID="))
			return 0; /* said with READY=1, and never another one */
		buf_append(out, line, len);
		buf_append_str(out, "\n");
		if (fields[i].flag == NOTIFY_READY)
			buf_printf(out, "MAINPID=%d\n", (int)pid);
		return fields[i].flag;
	}
	return 0;
}

unsigned notify_rewrite(const char *text, size_t len, pid_t pid, struct buf *out)
{
	unsigned flags = 0;

	while (len > 0) {
		const char *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) : len;

		flags |= rewrite_line(text, n, pid, out);
		n += end != NULL;
		text += n;
		len -= n;
	}
	return flags;
}

/* The process that passes on ------------------------------------------------------------------------- */

struct proxy {
	int socket, pidfd, ready_fd; /* ready_fd: told of READY=1 by a byte */
	pid_t pid;
	struct sockaddr_un to;
	socklen_t to_len;
};

/* "@name" is abstract, unix(7). */
static int set_address(struct proxy *p, const char *path, struct error *err)
{
	size_t len = strlen(path);

	if ((path[0] != '/' && path[0] != '@') || len >= sizeof(p->to.sun_path))
		return error_set(err, EINVAL, "$NOTIFY_SOCKET: \"%s\" is neither a path nor an abstract name", path);
	p->to.sun_family = AF_UNIX;
	memcpy(p->to.sun_path, path, len);
	if (path[0] == '@')
		p->to.sun_path[0] = '\0';
	p->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (path[0] == '/'));
	return 0;
}

/* A barrier's descriptor is closed by the service manager when it has come so far: that is what its sender waits for. */
static void send_on(const struct proxy *p, const struct buf *text, int fd)
{
	_cleanup_fd_ int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct iovec iov = { text->data, text->len };
	union {
		char data[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct msghdr m = { .msg_name = (void *)&p->to, .msg_namelen = p->to_len, .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		m.msg_control = control.data;
		m.msg_controllen = sizeof(control.data);
		CMSG_FIRSTHDR(&m)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&m)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&m)->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), &fd, sizeof(fd));
	}
	if (sock >= 0)
		sendmsg(sock, &m, MSG_NOSIGNAL);
}

static void pass_on(struct proxy *p)
{
	char text[DATAGRAM_MAX];
	int fds[4];
	size_t n_fds = 0;
	ssize_t n;

	while ((n = fd_recv(p->socket, text, sizeof(text), fds, ARRAY_SIZE(fds), &n_fds)) >= 0 || n == -EPROTO) {
		_cleanup_buf_ struct buf out = { 0 };
		unsigned flags = n > 0 ? notify_rewrite(text, (size_t)n, p->pid, &out) : 0;

		if (out.len > 0)
			send_on(p, &out, (flags & NOTIFY_BARRIER) && n_fds == 1 ? fds[0] : -1);
		while (n_fds > 0)
			fd_close(fds[--n_fds]);
		if (flags & NOTIFY_READY)
			p->ready_fd = fd_write_all(p->ready_fd, "", 1) < 0 ? -1 : fd_close(p->ready_fd);
	}
}

/* Until the container has ended; what it said last is passed on as well. */
static _noreturn_ void proxy_run(struct proxy *p)
{
	struct pollfd polled[] = { { .fd = p->socket, .events = POLLIN }, { .fd = p->pidfd, .events = POLLIN } };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	(void)!chdir("/");
	signal(SIGPIPE, SIG_IGN);
	do {
		poll(polled, ARRAY_SIZE(polled), -1);
		pass_on(p);
	} while (!polled[1].revents);
	_exit(0);
}

/* Nothing of ours stays open in it: locks, terminals and pipes would never end. The fds are moved to 3, 4 and 5 first. */
static void keep_only(struct proxy *p)
{
	int *const fds[] = { &p->socket, &p->pidfd, &p->ready_fd };

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		*fds[i] = fcntl(*fds[i], F_DUPFD_CLOEXEC, 3 + (int)ARRAY_SIZE(fds));
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		dup2(*fds[i], 3 + (int)i);
		*fds[i] = 3 + (int)i;
	}
	sys_close_range(3 + (unsigned)ARRAY_SIZE(fds), ~0U, 0);
}

static int wait_ready(int fd)
{
	char byte;

	return fd_read_all(fd, &byte, 1) < 0 ? -1 : 0;
}

int notify_proxy(const struct container *c, int sock, bool wait, struct error *err)
{
	_cleanup_fd_ int own = sock, pidfd = -1, ready = -1, told = -1;
	struct proxy p = { .pid = (pid_t)c->state->pid };
	int pipe_fds[2], status, r = set_address(&p, getenv("NOTIFY_SOCKET"), err);
	pid_t child;

	if (r < 0)
		return r;
	pidfd = process_pidfd_open_exact(p.pid, c->state->start_time);
	if (pidfd == -ESRCH) { /* it has said what it had to say already */
		p.socket = own;
		p.ready_fd = -1;
		pass_on(&p);
		return 0;
	}
	if (pidfd < 0 || pipe2(pipe_fds, O_CLOEXEC) < 0)
		return error_errno(err, "notify socket");
	ready = pipe_fds[0];
	told = pipe_fds[1];
	p.socket = own;
	p.pidfd = pidfd;
	p.ready_fd = told;
	child = fork();
	if (child < 0)
		return error_errno(err, "fork");
	if (child == 0) { /* twice: it is nobody's child to wait for */
		if (fork() != 0)
			_exit(0);
		keep_only(&p);
		proxy_run(&p);
	}
	process_wait(child, &status);
	told = fd_close(told);
	return wait ? wait_ready(ready) : 0;
}
