/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* proto/mux.h: streams between a "host" and a "guest" on one event loop, and what a host makes of a guest
 * that does not keep to the rules. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/mem.h"
#include "proto/frame.h"
#include "proto/mux.h"

enum { PROCESS = 3 };

/* What an end was told. */
struct end {
	struct mux *mux;
	unsigned exited, flushed, idle, closed;
	char exit_body[16];
	struct error reason;
};

struct fixture {
	struct event_loop *loop;
	struct end host, guest;
	int raw; /* instead of a guest's mux: the socket */
};

static int on_exited(void *data, uint32_t process, const char *body, size_t len, struct error *err)
{
	struct end *e = data;

	(void)err;
	assert_int_equal(process, PROCESS);
	assert_true(len < sizeof(e->exit_body));
	memcpy(e->exit_body, body, len);
	e->exited++;
	return 0;
}

static int on_flushed(void *data, uint32_t process, struct error *err)
{
	struct end *e = data;

	(void)err;
	assert_int_equal(process, PROCESS);
	e->flushed++;
	mux_send_exit(e->mux, PROCESS, "bye", 3);
	return 0;
}

static int on_idle(void *data, uint32_t process, struct error *err)
{
	(void)process;
	(void)err;
	((struct end *)data)->idle++;
	return 0;
}

static int on_closed(void *data, const struct error *reason, struct error *err)
{
	struct end *e = data;

	(void)err;
	e->closed++;
	if (reason)
		e->reason = *reason;
	return 0;
}

static const struct mux_ops host_ops = { .exited = on_exited, .idle = on_idle, .closed = on_closed };
static const struct mux_ops guest_ops = { .flushed = on_flushed, .closed = on_closed };

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct error err;
	int pair[2];

	signal(SIGPIPE, SIG_IGN);
	f->raw = -1;
	if (event_loop_new(&f->loop, &err) < 0 || fd_socketpair(SOCK_STREAM, pair) < 0)
		return -1;
	*state = f;
	return mux_new(f->loop, pair[0], true, &host_ops, &f->host, &f->host.mux, &err) ||
	       mux_new(f->loop, pair[1], false, &guest_ops, &f->guest, &f->guest.mux, &err);
}

static int setup_raw(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct error err;
	int pair[2];

	if (event_loop_new(&f->loop, &err) < 0 || fd_socketpair(SOCK_STREAM, pair) < 0)
		return -1;
	f->raw = pair[1];
	*state = f;
	return mux_new(f->loop, pair[0], true, &host_ops, &f->host, &f->host.mux, &err);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mux_free(f->host.mux);
	mux_free(f->guest.mux);
	event_loop_free(f->loop);
	fd_close(f->raw);
	free(f);
	return 0;
}

/* Runs the loop until nothing is ready any more. That it comes to that is a test, too: nothing may spin. */
static void settle(struct fixture *f)
{
	struct error err;

	for (int i = 0; i < 2000; i++)
		assert_int_equal(event_loop_once(f->loop, i < 1990 ? 0 : 1, &err), 0);
}

static void make_pipe(int fds[2])
{
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
}

/* stdout of the process, from the guest's pipe to the host's: in[1] is the process's end, out[0] the
 * reader's. */
static void connect_stdout(struct fixture *f, int in[2], int out[2])
{
	make_pipe(in);
	make_pipe(out);
	mux_add_sink(f->host.mux, stream_id(PROCESS, STREAM_STDOUT), out[1]);
	mux_add_source(f->guest.mux, stream_id(PROCESS, STREAM_STDOUT), in[0]);
}

static size_t read_now(int fd, char *buf, size_t n)
{
	ssize_t r;

	fd_set_nonblock(fd, 1);
	r = read(fd, buf, n);
	return r < 0 ? 0 : (size_t)r;
}

static void test_no_credit_no_data(void **state)
{
	struct fixture *f = *state;
	int in[2], out[2];
	char buf[16];

	connect_stdout(f, in, out);
	assert_int_equal(write(in[1], "early", 5), 5);
	settle(f);
	assert_int_equal(read_now(out[0], buf, sizeof(buf)), 0);
	mux_grant(f->host.mux, PROCESS);
	settle(f);
	assert_int_equal(read_now(out[0], buf, sizeof(buf)), 5);
	assert_memory_equal(buf, "early", 5);
	close(in[1]);
	close(out[0]);
}

/* A reader that does not read stops the writer; nothing is lost, doubled or reordered when it goes on. */
static void test_back_pressure(void **state)
{
	enum { TOTAL = 3 << 20 };
	struct fixture *f = *state;
	size_t sent = 0, got = 0, before;
	int in[2], out[2];
	char buf[8192];

	connect_stdout(f, in, out);
	mux_grant(f->host.mux, PROCESS);
	fd_set_nonblock(in[1], 1);
	do {
		uint32_t word = (uint32_t)sent;
		ssize_t n;

		before = sent;
		while (sent < TOTAL && (n = write(in[1], &word, sizeof(word))) == sizeof(word)) {
			sent += sizeof(word);
			word = (uint32_t)sent;
		}
		settle(f);
	} while (sent > before);
	assert_true(sent <= MUX_WINDOW + 4 * 65536); /* pipes and socket included */
	assert_false(mux_is_idle(f->host.mux, PROCESS));
	while (got < TOTAL) {
		size_t n = read_now(out[0], buf, sizeof(buf));

		for (size_t i = 0; i < n; i += 4, got += 4)
			assert_int_equal(frame_get_u32(buf + i), got);
		while (sent < TOTAL) {
			uint32_t word = (uint32_t)sent;

			if (write(in[1], &word, sizeof(word)) != sizeof(word))
				break;
			sent += sizeof(word);
		}
		settle(f);
	}
	assert_true(mux_is_idle(f->host.mux, PROCESS));
	assert_true(f->host.idle > 0);
	close(in[1]);
	close(out[0]);
}

static void test_eof(void **state)
{
	struct fixture *f = *state;
	int in[2], out[2];
	char buf[16];

	connect_stdout(f, in, out);
	mux_grant(f->host.mux, PROCESS);
	assert_true(mux_has(f->host.mux, stream_id(PROCESS, STREAM_STDOUT)));
	assert_false(mux_has(f->host.mux, stream_id(PROCESS, STREAM_PROGRAM)));
	assert_int_equal(write(in[1], "last", 4), 4);
	close(in[1]);
	settle(f);
	assert_int_equal(read(out[0], buf, sizeof(buf)), 4);
	assert_int_equal(read(out[0], buf, sizeof(buf)), 0);
	assert_false(mux_has(f->host.mux, stream_id(PROCESS, STREAM_STDOUT)));
	close(out[0]);
}

/* The reader at the far end goes: the writer gets EPIPE, as if they were connected directly. */
static void test_reset(void **state)
{
	struct fixture *f = *state;
	int in[2], out[2];

	connect_stdout(f, in, out);
	mux_grant(f->host.mux, PROCESS);
	close(out[0]);
	assert_int_equal(write(in[1], "x", 1), 1);
	settle(f);
	assert_int_equal(write(in[1], "y", 1), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(f->host.closed, 0);
	close(in[1]);
}

/* EXIT comes behind all that was in the pipe, however little credit there was, although somebody still holds
 * the pipe open. */
static void test_exit_is_last(void **state)
{
	enum { TOTAL = 60000 };
	struct fixture *f = *state;
	static char bytes[TOTAL];
	struct error err;
	int in[2], out[2];
	size_t got = 0;

	connect_stdout(f, in, out);
	assert_int_equal(write(in[1], bytes, TOTAL), TOTAL);
	assert_int_equal(mux_flush(f->guest.mux, PROCESS, &err), 0);
	settle(f);
	assert_int_equal(f->guest.flushed, 0);
	mux_grant(f->host.mux, PROCESS);
	settle(f);
	assert_int_equal(f->guest.flushed, 1);
	assert_int_equal(f->host.exited, 1);
	assert_string_equal(f->host.exit_body, "bye");
	got = read_now(out[0], bytes, sizeof(bytes));
	assert_int_equal(got, TOTAL);
	close(in[1]);
	close(out[0]);
}

static void test_flush_of_nothing(void **state)
{
	struct fixture *f = *state;
	struct error err;
	int in[2], out[2];

	assert_int_equal(mux_flush(f->guest.mux, PROCESS, &err), 0);
	assert_int_equal(f->guest.flushed, 1);
	connect_stdout(f, in, out);
	assert_int_equal(mux_flush(f->guest.mux, PROCESS, &err), 0);
	assert_int_equal(f->guest.flushed, 2); /* an empty pipe needs no credit */
	close(in[1]);
	close(out[0]);
}

/* stdin from a regular file, which epoll does not take, and to the other end's pipe. */
static void test_regular_file(void **state)
{
	enum { TOTAL = 400000 };
	struct fixture *f = *state;
	char path[] = "/tmp/hvrun-test-XXXXXX", *bytes = xcalloc(1, TOTAL);
	int fd = mkstemp(path), in[2];
	size_t got = 0, n;

	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(fd_write_all(fd, bytes, TOTAL), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	make_pipe(in);
	mux_add_source(f->host.mux, stream_id(PROCESS, STREAM_STDIN), fd);
	mux_add_sink(f->guest.mux, stream_id(PROCESS, STREAM_STDIN), in[1]);
	mux_grant(f->guest.mux, PROCESS);
	for (int i = 0; i < 100 && got < TOTAL; i++) {
		settle(f);
		while ((n = read_now(in[0], bytes, TOTAL)) > 0)
			got += n;
	}
	assert_int_equal(got, TOTAL);
	settle(f);
	assert_int_equal(read(in[0], bytes, 1), 0); /* EOF */
	close(in[0]);
	free(bytes);
}

/* Nobody else's description is made non-blocking. */
static void test_flags_are_left(void **state)
{
	struct fixture *f = *state;
	int in[2], kept;

	make_pipe(in);
	kept = dup(in[0]);
	mux_add_source(f->host.mux, stream_id(PROCESS, STREAM_STDIN), in[0]);
	assert_false(fcntl(kept, F_GETFL) & O_NONBLOCK);
	close(in[1]);
	close(kept);
}

/* a guest that breaks the rules
 * -------------------------------------------------------------------------------------------- */

static void send_raw(struct fixture *f, uint16_t type, uint16_t flags, uint64_t id, const void *body,
		     size_t len)
{
	_cleanup_buf_ struct buf b = { 0 };

	frame_append(&b, type, flags, id, body, len);
	assert_int_equal(fd_write_all(f->raw, b.data, b.len), 0);
	settle(f);
}

static void expect_closed(struct fixture *f, const char *message)
{
	assert_int_equal(f->host.closed, 1);
	assert_string_equal(f->host.reason.msg, message);
}

static void test_data_without_credit(void **state)
{
	struct fixture *f = *state;
	int out[2];

	make_pipe(out);
	mux_add_sink(f->host.mux, 13, out[1]);
	send_raw(f, MESSAGE_DATA, 0, 13, "x", 1);
	expect_closed(f, "stream 13: 1 bytes with a credit of 0");
	close(out[0]);
}

static void test_more_data_than_credit(void **state)
{
	struct fixture *f = *state;
	static char bytes[FRAME_STREAM_MAX];
	int out[2];

	make_pipe(out);
	mux_add_sink(f->host.mux, stream_id(PROCESS, STREAM_STDOUT), out[1]);
	mux_grant(f->host.mux, PROCESS);
	/* the pipe takes 64 KiB, which gives 64 KiB back */
	for (int i = 0; i < (MUX_WINDOW + 65536) / FRAME_STREAM_MAX; i++)
		send_raw(f, MESSAGE_DATA, 0, stream_id(PROCESS, STREAM_STDOUT), bytes, sizeof(bytes));
	assert_int_equal(f->host.closed, 0);
	send_raw(f, MESSAGE_DATA, 0, stream_id(PROCESS, STREAM_STDOUT), bytes, 1);
	expect_closed(f, "stream 13: 1 bytes with a credit of 0");
	close(out[0]);
}

static const struct wrong {
	uint16_t type, flags;
	uint64_t id;
	const char *body;
	size_t len;
	const char *message; /* NULL: nothing happens */
} wrong[] = {
	{ MESSAGE_DATA, 0, 99, "x", 1, "unexpected DATA for stream 99" },
	{ MESSAGE_EOF, 0, 99, NULL, 0, "unexpected EOF for stream 99" },
	{ MESSAGE_CREDIT, 0, 99, "\1\0\0\0", 4, NULL },
	{ MESSAGE_RESET, 0, 99, NULL, 0, NULL },
	{ MESSAGE_DATA, 0, 12, "x", 1, "unexpected DATA for stream 12" },
	{ MESSAGE_CREDIT, 0, 12, "\1\0\0", 3, "CREDIT with a body of 3 bytes instead of 4" },
	{ MESSAGE_HELLO, 0, 0, NULL, 0, "unexpected frame on the stream port: type 1, flags 0x0" },
	{ MESSAGE_DATA, FRAME_REPLY, 12, NULL, 0, "unexpected frame on the stream port: type 32, flags 0x1" },
	{ 65535, 0, 0, NULL, 0, "unexpected frame on the stream port: type 65535, flags 0x0" },
	{ MESSAGE_EXIT, 0, 0, NULL, 0, "unexpected EXIT of process 0" },
	{ MESSAGE_EXIT, 0, UINT64_MAX, NULL, 0, "unexpected EXIT of process 18446744073709551615" },
};

static void test_wrong_frames(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		const struct wrong *w = &wrong[i];
		struct fixture *f;
		int in[2];

		assert_int_equal(setup_raw((void **)&f), 0);
		make_pipe(in);
		mux_add_source(f->host.mux, 12, in[0]);
		send_raw(f, w->type, w->flags, w->id, w->body, w->len);
		if (w->message)
			expect_closed(f, w->message);
		else
			assert_int_equal(f->host.closed, 0);
		close(in[1]);
		teardown((void **)&f);
	}
}

/* However much credit a guest claims to give, no more than the window is read ahead. */
static void test_credit_is_bounded(void **state)
{
	struct fixture *f = *state;
	size_t got = 0;
	ssize_t n;
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	static char bytes[1 << 20];

	mux_add_source(f->host.mux, stream_id(PROCESS, STREAM_STDIN), zero);
	send_raw(f, MESSAGE_CREDIT, 0, stream_id(PROCESS, STREAM_STDIN), "\377\377\377\377", 4);
	fd_set_nonblock(f->raw, 1);
	while ((n = read(f->raw, bytes, sizeof(bytes))) > 0) {
		got += (size_t)n;
		settle(f);
	}
	assert_true(got >= MUX_WINDOW && got < MUX_WINDOW + 4096);
}

/* A guest that takes none of what it is sent gets no more credit, so what waits for it here is bounded. */
static void test_credit_that_nobody_reads(void **state)
{
	enum { FRAMES_MAX = 200000 };
	static char bytes[FRAME_STREAM_MAX];
	struct fixture *f = *state;
	_cleanup_buf_ struct buf frame = { 0 };
	struct error err;
	int n = 0;

	mux_add_sink(f->host.mux, stream_id(PROCESS, STREAM_STDOUT), open("/dev/null", O_WRONLY | O_CLOEXEC));
	mux_grant(f->host.mux, PROCESS);
	frame_append(&frame, MESSAGE_DATA, 0, stream_id(PROCESS, STREAM_STDOUT), bytes, sizeof(bytes));
	while (!f->host.closed && n++ < FRAMES_MAX) {
		assert_int_equal(fd_write_all(f->raw, frame.data, frame.len), 0);
		assert_int_equal(event_loop_once(f->loop, 0, &err), 0);
		assert_int_equal(event_loop_once(f->loop, 0, &err), 0);
	}
	assert_true(n < FRAMES_MAX);
	assert_string_equal(f->host.reason.msg, "stream 13: 32768 bytes with a credit of 0");
}

/* What nobody wants any more is taken all the same, and nothing of it is kept. */
static void test_abandon(void **state)
{
	struct fixture *f = *state;
	struct error err;
	int in[2], out[2];
	char byte;

	signal(SIGPIPE, SIG_IGN);
	connect_stdout(f, in, out);
	mux_grant(f->host.mux, PROCESS);
	assert_int_equal(write(in[1], "early", 5), 5);
	assert_int_equal(mux_abandon_process(f->host.mux, PROCESS, &err), 0);
	assert_int_equal(mux_abandon_process(f->host.mux, PROCESS, &err), 0);
	settle(f);
	assert_int_equal(read(out[0], &byte, 1), 0);
	assert_int_equal(write(in[1], "late", 4), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(f->host.closed, 0);
	assert_true(mux_is_idle(f->host.mux, PROCESS));
	close(in[1]);
	close(out[0]);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define RAW_TEST(f) cmocka_unit_test_setup_teardown(f, setup_raw, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_no_credit_no_data),
		TEST(test_back_pressure),
		TEST(test_eof),
		TEST(test_reset),
		TEST(test_exit_is_last),
		TEST(test_flush_of_nothing),
		TEST(test_regular_file),
		TEST(test_flags_are_left),
		RAW_TEST(test_data_without_credit),
		RAW_TEST(test_more_data_than_credit),
		RAW_TEST(test_credit_is_bounded),
		RAW_TEST(test_credit_that_nobody_reads),
		TEST(test_abandon),
		cmocka_unit_test(test_wrong_frames),
	};

	return cmocka_run_group_tests_name("proto_mux", tests, NULL, NULL);
}
