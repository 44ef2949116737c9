/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The guest's side of a worker, without a VMM: guest.c, clients.c, members.c and worker.c with proto/mux.c behind them, driven by what a hostile
 * guest may send on either port while clients come and go. The input is a list of steps: one byte says what is done, the next ones how (steps[]). Whatever
 * comes, the worker's books must agree, and no descriptor and no memory may be left when it ends.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ocispec/types.h>

#include "base/fd.h"
#include "base/mem.h"
#include "proto/client.h"
#include "schema/types.h"
#include "vmwp/members.h"
#include "vmwp/worker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CLIENTS = 4, ROUNDS = 24, IDLE_BYTES = 3000, CHANGES_MAX = 64 };

/* What the VMM has been asked to do with spare disks, and has not done yet; and what is in them. */
static struct media {
	struct {
		unsigned disk;
		bool insert;
	} changes[CHANGES_MAX];
	size_t n_changes;
	bool in[VMM_SPARES_MAX];
} media;

struct fuzz {
	const uint8_t *p, *end;
	struct worker w;
	int control, streams, launcher, clients[CLIENTS]; /* the other ends */
	int stdin_fd, stdout_fd;			  /* of the container */
};

/* what worker.c has from other files ------------------------------------------------------------------------------------------ */

int setup_worker(_unused_ struct worker *w, _unused_ int *fds, _unused_ size_t n_fds, _unused_ struct error *err)
{
	abort();
}

int vm_start(_unused_ struct worker *w, _unused_ struct error *err)
{
	abort();
}

int vm_failed(struct worker *w, const struct error *e)
{
	return worker_fail(w, e);
}

void vm_forget_template(_unused_ struct worker *w)
{
}

void vm_kill(_unused_ struct worker *w)
{
}

void vm_done(_unused_ struct worker *w)
{
}

void vm_explain(_unused_ struct worker *w, _unused_ struct error *e)
{
}

int network_watch(_unused_ struct worker *w, _unused_ struct error *err)
{
	return 0;
}

int network_update(struct worker *w, const struct pending *p, _unused_ struct error *err)
{
	guest_request(w, MESSAGE_NETWORK, "{}", 2, p);
	return 1;
}

int share_add(_unused_ struct worker *w, _unused_ const char *name, _unused_ bool file, _unused_ int mount_fd, _unused_ struct error *err)
{
	return 0;
}

int share_close(_unused_ struct worker *w, const char *name, struct error *err)
{
	return strcmp(name, "f") ? 0 : error_set(err, EBUSY, "share f");
}

void share_remove(_unused_ struct worker *w, _unused_ const char *name, _unused_ bool file)
{
}

int template_hello(_unused_ struct worker *w, _unused_ uint32_t version, _unused_ struct error *err)
{
	abort();
}

/* A disk has one medium at a time, and what is taken out has been put in. */
static int change(unsigned disk, bool insert)
{
	if (disk >= VMM_SPARES_MAX || media.n_changes == CHANGES_MAX || media.in[disk] == insert)
		abort();
	for (size_t i = 0; i < media.n_changes; i++)
		if (media.changes[i].disk == disk)
			abort();
	media.changes[media.n_changes].disk = disk;
	media.changes[media.n_changes++].insert = insert;
	return 0;
}

static int insert_medium(_unused_ struct vmm_monitor *m, unsigned i, const struct vmm_disk *medium, _unused_ struct error *err)
{
	if (fcntl(medium->fd, F_GETFD) < 0)
		abort();
	return change(i, true);
}

static int eject_medium(_unused_ struct vmm_monitor *m, unsigned i, _unused_ struct error *err)
{
	return change(i, false);
}

static const struct vmm_ops vmm = { .insert = insert_medium, .eject = eject_medium };

/* Times pass when the input says so (step_time): linked with --wrap. */
static bool time_passes;
int __real_event_add_timer(struct event_loop *l, uint64_t usec, event_timer_fn *fn, void *data, struct event_source **ret, struct error *err);
int __wrap_event_add_timer(struct event_loop *l, uint64_t usec, event_timer_fn *fn, void *data, struct event_source **ret, struct error *err);
int __wrap_event_add_timer(struct event_loop *l, uint64_t usec, event_timer_fn *fn, void *data, struct event_source **ret, struct error *err)
{
	return __real_event_add_timer(l, time_passes ? 1 : usec + 3600000000, fn, data, ret, err);
}

/* steps ------------------------------------------------------------------------------------------------------------------------- */

static uint8_t take(struct fuzz *f)
{
	return f->p < f->end ? *f->p++ : 0;
}

/* A length in one or two bytes, and so many bytes of the input. */
static size_t take_bytes(struct fuzz *f, const uint8_t **ret)
{
	size_t n = take(f);

	if (n >= 0xf0)
		n = (n & 15) << 8 | take(f);
	n = MIN(n, (size_t)(f->end - f->p));
	*ret = f->p;
	f->p += n;
	return n;
}

static void send_frame(int fd, uint16_t type, uint16_t flags, uint64_t id, const void *body, size_t len)
{
	_cleanup_buf_ struct buf b = { 0 };

	frame_append(&b, type, flags, id, body, len);
	send(fd, b.data, b.len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void step_raw(struct fuzz *f, int fd)
{
	const uint8_t *bytes;
	size_t n = take_bytes(f, &bytes);

	send(fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void step_control(struct fuzz *f)
{
	step_raw(f, f->control);
}

static void step_streams(struct fuzz *f)
{
	step_raw(f, f->streams);
}

static void step_hello(struct fuzz *f)
{
	static const char usual[] = "{\"versionMin\": 1, \"versionMax\": 1}";
	const uint8_t *bytes;
	size_t n = take_bytes(f, &bytes);

	send_frame(f->control, MESSAGE_HELLO, 0, 0, n ? (const void *)bytes : usual, n ? n : strlen(usual));
}

/* The guest answers the k-th request that it has not answered, well or not. */
static void step_answer(struct fuzz *f)
{
	const struct pending *p = f->w.pending;
	uint8_t k = take(f), how = take(f);
	const uint8_t *bytes;
	size_t n = take_bytes(f, &bytes);

	for (; p && p->next && k > 0; k--)
		p = p->next;
	if (p)
		send_frame(f->control, p->type, how & 1 ? FRAME_REPLY | FRAME_ERROR : FRAME_REPLY, p->id, bytes, n);
}

static void step_stream_frame(struct fuzz *f)
{
	static const uint16_t types[] = { MESSAGE_DATA, MESSAGE_EOF, MESSAGE_CREDIT, MESSAGE_RESET };
	uint16_t type = types[take(f) % ARRAY_SIZE(types)];
	uint64_t id = take(f);
	const uint8_t *bytes;
	size_t n = take_bytes(f, &bytes);

	send_frame(f->streams, type, 0, id, bytes, n);
}

/* As much DATA as a frame can have. */
static void step_much(struct fuzz *f)
{
	static const char bytes[FRAME_STREAM_MAX];

	send_frame(f->streams, MESSAGE_DATA, 0, take(f), bytes, sizeof(bytes));
}

static void step_exit(struct fuzz *f)
{
	static const char *const usual[] = { "{\"code\": 3}", "{\"signal\": 9}" };
	uint8_t process = take(f);
	const uint8_t *bytes;
	size_t n = take_bytes(f, &bytes);
	const char *body = usual[process & 1];

	send_frame(f->streams, MESSAGE_EXIT, 0, process, n ? (const void *)bytes : body, n ? n : strlen(body));
}

/* A client says one of these; @ is the worker's container, a and b are members. */
static const struct {
	uint16_t type;
	const char *body;
	unsigned n_fds;
} requests[] = {
	{ MESSAGE_START, "{\"id\": \"@\"}", 0 },
	{ MESSAGE_START, "{\"id\": \"a\"}", 0 },
	{ MESSAGE_EXEC, "{\"id\": \"@\", \"process\": {\"cwd\": \"/\", \"args\": [\"x\"]}}", 3 },
	{ MESSAGE_EXEC, "{\"id\": \"a\", \"process\": {\"cwd\": \"/\", \"args\": [\"x\"], \"terminal\": true}}", 1 },
	{ MESSAGE_SIGNAL, "{\"id\": \"@\", \"signal\": 15}", 0 },
	{ MESSAGE_PROCESSES, "{\"id\": \"@\"}", 0 },
	{ MESSAGE_RESIZE, "{\"width\": 1, \"height\": 2}", 0 },
	{ MESSAGE_FREEZE, "{\"id\": \"@\", \"freeze\": true}", 0 },
	{ MESSAGE_UPDATE, "{\"id\": \"a\", \"resources\": {\"memory\": {\"limit\": 7}}}", 0 },
	{ MESSAGE_WAIT_OOM, "{\"id\": \"@\", \"count\": 0, \"countNow\": false, \"timeout\": 5}", 0 },
	{ MESSAGE_ADD, "{\"create\": {\"id\": \"a\", \"config\": \"{}\"}, \"memory\": 5, \"reserved\": 1}", 4 },
	{ MESSAGE_ADD, "{\"create\": {\"id\": \"b\", \"config\": \"{}\"}, \"memory\": 0, \"reserved\": 1}", 4 },
	{ MESSAGE_SHARE, "{\"name\": \"f\", \"readonlyAfterCreate\": true}", 1 },
	{ MESSAGE_SHARE, "{\"name\": \"0\"}", 1 },
	{ MESSAGE_CREATE, "", 0 },
	{ MESSAGE_DESTROY, "{\"id\": \"a\"}", 0 },
	{ MESSAGE_DESTROY, "{\"id\": \"@\"}", 0 },
	{ MESSAGE_MOUNT, "{\"id\": \"@\", \"add\": true, \"share\": true, \"mount\": {\"destination\": \"/m\"}}", 1 },
	{ MESSAGE_MOUNT, "{\"id\": \"a\", \"add\": true, \"share\": true, \"mount\": {\"destination\": \"/m\"}}", 1 },
	{ MESSAGE_MOUNT, "{\"id\": \"@\", \"add\": false, \"share\": false, \"mount\": {\"destination\": \"//m\"}}", 0 },
	{ MESSAGE_DEBUG, "{\"id\": \"@\", \"programSize\": 9, \"process\": {\"cwd\": \"/\", \"args\": [\"x\"]}}", 4 },
	{ MESSAGE_DEBUG, "{\"id\": \"a\", \"programSize\": 9, \"process\": {\"cwd\": \"/\", \"args\": [\"x\"], \"terminal\": true}}", 2 },
	{ MESSAGE_DEBUG, "{\"id\": \"@\", \"programSize\": 9, \"process\": {\"cwd\": \"/\", \"args\": [\"x\"]}}", 3 },
	{ MESSAGE_ADD, "{\"create\": {\"id\": \"a\", \"config\": \"{}\", \"disks\": [{\"index\": 9}]}, \"memory\": 5, \"reserved\": 1}", 4 },
	{ MESSAGE_DISK, "{\"format\": \"raw\", \"readonly\": false, \"device\": false, \"unlocked\": false}", 1 },
	{ MESSAGE_DISK, "{\"format\": \"raw\", \"readonly\": true, \"device\": false, \"unlocked\": false}", 1 },
};

static void step_client(struct fuzz *f)
{
	int *sock = &f->clients[take(f) % CLIENTS], fds[4], pair[2];
	size_t which = take(f) % ARRAY_SIZE(requests);
	struct error err;

	if (*sock < 0) {
		if (fd_socketpair(SOCK_STREAM, pair) < 0)
			abort();
		*sock = pair[0];
		client_add(&f->w, pair[1], false, &err);
	}
	for (unsigned i = 0; i < requests[which].n_fds; i++)
		fds[i] = requests[which].type == MESSAGE_DISK ? memfd_create("disk", MFD_CLOEXEC) : open("/dev/null", O_RDWR | O_CLOEXEC);
	client_send(*sock, requests[which].type, 0, 1, requests[which].body, strlen(requests[which].body), fds, requests[which].n_fds, &err);
	for (unsigned i = 0; i < requests[which].n_fds; i++)
		fd_close(fds[i]);
}

static void step_client_goes(struct fuzz *f)
{
	int *sock = &f->clients[take(f) % CLIENTS];

	*sock = fd_close(*sock);
}

static void step_launcher(struct fuzz *f)
{
	if (take(f) & 1)
		f->launcher = fd_close(f->launcher);
	else if (f->launcher >= 0)
		send_frame(f->launcher, MESSAGE_CREATE, 0, 1, NULL, 0);
}

static void step_stdio(struct fuzz *f)
{
	char bytes[IDLE_BYTES] = { 0 };

	switch (take(f) & 3) {
	case 0:
		f->stdout_fd = fd_close(f->stdout_fd);
		break;
	case 1:
		f->stdin_fd = fd_close(f->stdin_fd);
		break;
	case 2:
		if (f->stdin_fd >= 0 && write(f->stdin_fd, bytes, sizeof(bytes)) < 0)
			f->stdin_fd = fd_close(f->stdin_fd);
		break;
	default:
		while (f->stdout_fd >= 0 && read(f->stdout_fd, bytes, sizeof(bytes)) > 0)
			;
	}
}

static void step_time(struct fuzz *f)
{
	time_passes = take(f) & 1;
}

/* The VMM has done what it was asked first, or could not. */
static void step_changed(struct fuzz *f)
{
	const struct error failed = { .code = EIO, .msg = "failed" };
	bool good = !(take(f) & 1), insert = media.changes[0].insert;
	unsigned disk = media.changes[0].disk;
	struct error err;

	if (media.n_changes == 0)
		return;
	media.n_changes--;
	memmove(media.changes, media.changes + 1, media.n_changes * sizeof(*media.changes));
	if (good)
		media.in[disk] = insert;
	if (spares_changed(&f->w, disk, good ? NULL : &failed, &err) < 0)
		abort();
}

static void (*const steps[])(struct fuzz *f) = {
	step_control, step_streams, step_hello,	      step_answer,   step_stream_frame, step_much,
	step_exit,    step_client,  step_client_goes, step_launcher, step_stdio,	step_time,
	step_changed,
};

/* a worker ---------------------------------------------------------------------------------------------------------------------- */

static void make_pipe(int *ret_read, int *ret_write)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		abort();
	*ret_read = fds[0];
	*ret_write = fds[1];
}

static void make_pair(int *ret_ours, int *ret_theirs)
{
	int fds[2];

	if (fd_socketpair(SOCK_STREAM, fds) < 0)
		abort();
	*ret_ours = fds[0];
	*ret_theirs = fds[1];
}

static void start(struct fuzz *f, const struct hv_worker_setup *setup)
{
	int control, streams, launcher;
	struct error err;

	f->w = WORKER_NONE;
	f->w.setup = setup;
	f->w.vmm = &vmm;
	media = (struct media){ 0 };
	make_pipe(&f->w.stdio[0], &f->stdin_fd);
	make_pipe(&f->stdout_fd, &f->w.stdio[1]);
	f->w.stdio[2] = open("/dev/null", O_WRONLY | O_CLOEXEC);
	make_pair(&f->control, &control);
	make_pair(&f->streams, &streams);
	make_pair(&f->launcher, &launcher);
	if (event_loop_new(&f->w.loop, &err) < 0 ||
	    channel_new(f->w.loop, control, FRAME_CONTROL_MAX, &guest_channel_ops, &f->w, &f->w.control, &err) < 0 ||
	    mux_new(f->w.loop, streams, true, &guest_mux_ops, &f->w, &f->w.mux, &err) < 0 ||
	    client_add(&f->w, launcher, true, &err) < 0)
		abort();
}

static void drain(int fd)
{
	static char bytes[64 << 10];

	while (fd >= 0 && recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
}

/* Nothing is in a disk that is thought to be empty, and what is in one is somebody's who is there, or on its way out. */
static void check_spares(const struct worker *w)
{
	const struct member *leaving = member_find_leaving(w, "a");

	for (unsigned i = 0; i < VMM_SPARES_MAX; i++) {
		const struct spare *s = &w->spares[i];
		bool owned = s->state != SPARE_EMPTY && s->state != SPARE_LOST;

		if (leaving && s->process == member_process(leaving) && s->state == SPARE_FULL)
			abort();
		if ((owned && member_state_dir(w, s->process) < 0) || (media.in[i] && s->state <= SPARE_FILLING))
			abort();
	}
}

static void check(const struct worker *w)
{
	unsigned pending = 0, clients = 0;

	for (const struct pending *p = w->pending; p; p = p->next)
		pending++;
	for (const struct client *c = w->clients; c; c = c->next)
		clients++;
	if (pending != w->n_pending || clients != w->n_clients)
		abort();
	check_spares(w);
}

static int settle(struct fuzz *f)
{
	struct error err;
	int r = 0;

	for (int i = 0; r >= 0 && i < ROUNDS; i++) {
		r = event_loop_once(f->w.loop, 0, &err);
		drain(f->control);
		drain(f->streams);
		for (int c = 0; c < CLIENTS; c++)
			drain(f->clients[c]);
	}
	check(&f->w);
	return r;
}

static void done(struct fuzz *f)
{
	const struct error gone = { .code = EIO, .msg = "gone" };

	guest_fail_requests(&f->w, &gone);
	f->w.mux = mux_free(f->w.mux);
	f->w.control = channel_free(f->w.control);
	members_done(&f->w);
	hot_shares_done(&f->w);
	clients_done(&f->w);
	event_loop_free(f->w.loop);
	for (int i = 0; i < 3; i++)
		fd_close(f->w.stdio[i]);
	for (int i = 0; i < CLIENTS; i++)
		fd_close(f->clients[i]);
	fd_close(f->control);
	fd_close(f->streams);
	fd_close(f->launcher);
	fd_close(f->stdin_fd);
	fd_close(f->stdout_fd);
}

/* The lowest free descriptor: the same before and after, or one is left. */
static int lowest(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	fd_close(fd);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hv_agent_create create = { .id = (char *)"@", .config = (char *)"{}" };
	struct hv_worker_share shares[] = { { .readonly_after_create = true }, { 0 } };
	struct hv_worker_vm machine = { .memory = 100, .spare_disks = 1 };
	const struct hv_worker_setup setup = { .id = (char *)"@", .create = &create, .vm = &machine, .shares = shares, .n_shares = 2 };
	struct fuzz f = { .p = data, .end = data + size, .clients = { -1, -1, -1, -1 } };
	int before = lowest(), r = 0;

	signal(SIGPIPE, SIG_IGN);
	time_passes = false;
	start(&f, &setup);
	while (r >= 0 && f.p < f.end) {
		steps[take(&f) % ARRAY_SIZE(steps)](&f);
		r = settle(&f);
	}
	done(&f);
	if (lowest() != before)
		abort();
	return 0;
}
