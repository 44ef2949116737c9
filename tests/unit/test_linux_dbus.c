/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The D-Bus client: bytes against the wire format, messages that are not well-formed, and a whole
 * conversation with a server that is a child of the test and says what a script tells it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "linux/dbus.h"

static const struct dbus_method method = { "org.example", "/a", "org.example.I", "Do" };

/* Messages ---------------------------------------------------------------------------------- */

/* The wire format, byte by byte. */
static void test_call_bytes(void **state _unused_)
{
	static const char wanted[] = "l\1\0\1"
				     "\6\0\0\0"
				     "\7\0\0\0"
				     "\77\0\0\0" /* body 6, serial 7, fields 63 */
				     "\1\1o\0"
				     "\2\0\0\0"
				     "/a\0"
				     "\0\0\0\0\0"
				     "\2\1s\0"
				     "\15\0\0\0"
				     "org.example.I\0"
				     "\0\0"
				     "\3\1s\0"
				     "\2\0\0\0"
				     "Do\0"
				     "\0\0\0\0\0"
				     "\10\1g\0"
				     "\1s\0"
				     "\0" /* the last one pads to the body */
				     "\1\0\0\0"
				     "x";
	_cleanup_buf_ struct buf body = { 0 }, call = { 0 };
	struct dbus_method m = method;

	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
		skip();
	m.destination = NULL;
	dbus_put_string(&body, "x");
	dbus_build_call(&m, 7, "s", &body, &call);
	assert_int_equal(call.len, sizeof(wanted));
	assert_memory_equal(call.data, wanted, sizeof(wanted));
}

/* Any call is a message that the parser takes, with the same content. */
static void test_round_trip(void **state _unused_)
{
	_cleanup_buf_ struct buf body = { 0 }, call = { 0 };
	_cleanup_dbus_message_ struct dbus_message m = { 0 };
	struct dbus_reader r;
	struct error err = { 0 };
	size_t size, mark;

	dbus_put_string(&body, "first");
	mark = dbus_begin_array(&body, 8);
	dbus_put_struct(&body);
	dbus_put_u32(&body, 42);
	dbus_end_array(&body, mark, 8);
	dbus_build_call(&method, 9, "sa(u)", &body, &call);
	assert_int_equal(dbus_message_size(call.data, &size, &err), 0);
	assert_int_equal(size, call.len);
	assert_int_equal(dbus_message_parse(xmemdup(call.data, call.len), call.len, &m, &err), 0);
	assert_int_equal(m.type, DBUS_METHOD_CALL);
	assert_int_equal(m.serial, 9);
	assert_string_equal(m.path, "/a");
	assert_string_equal(m.interface, "org.example.I");
	assert_string_equal(m.member, "Do");
	assert_string_equal(m.signature, "sa(u)");
	r = (struct dbus_reader){ .data = m.body, .len = m.body_len };
	assert_string_equal(dbus_get_string(&r), "first");
	assert_int_equal(dbus_get_u32(&r), 4);
	r.pos = (r.pos + 7) / 8 * 8;
	assert_int_equal(dbus_get_u32(&r), 42);
	assert_false(r.bad);
	assert_int_equal(dbus_get_u32(&r), 0);
	assert_true(r.bad);
}

/* Every byte changed to every one of some values, and every shorter length: an answer or an error, nothing
 * worse. */
static void test_malformed(void **state _unused_)
{
	static const unsigned char values[] = { 0, 1, 7, 8, 0x7f, 0x80, 0xff };
	_cleanup_buf_ struct buf body = { 0 }, call = { 0 };
	struct error err = { 0 };
	size_t refused = 0;

	dbus_put_string(&body, "text");
	dbus_build_call(&method, 1, "s", &body, &call);
	for (size_t n = 0; n < call.len; n++) {
		struct dbus_message m;

		assert_true(dbus_message_parse(xmemdup(call.data, n ? n : 1), n, &m, &err) < 0);
	}
	for (size_t i = 0; i < call.len; i++)
		for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
			char *copy = xmemdup(call.data, call.len);
			struct dbus_message m;
			size_t size = 0;

			copy[i] = (char)values[v];
			(void)dbus_message_size(copy, &size, &err);
			if (dbus_message_parse(copy, call.len, &m, &err) < 0) {
				refused++;
				continue;
			}
			(void)dbus_message_string(&m);
			dbus_message_done(&m);
		}
	assert_true(refused > 100);
}

/* Conversations ----------------------------------------------------------------------------- */

static char directory[] = "/tmp/test-dbus.XXXXXX";
static char *socket_path;

static int setup(void **state _unused_)
{
	if (!mkdtemp(directory))
		return -1;
	socket_path = xasprintf("%s/bus", directory);
	return 0;
}

static int teardown(void **state _unused_)
{
	unlink(socket_path);
	free(socket_path);
	return rmdir(directory);
}

struct server {
	const char *auth; /* answer to AUTH EXTERNAL; NULL: "DATA", as today; "OK ..." before systemd 246 */
	const char *signal_first; /* member of a signal before the answer */
	const char *error;        /* answer with this error */
	bool silent;              /* no answer */
};

static void serve_line(int fd, char *line, size_t size)
{
	for (size_t n = 0; n < size - 1; n++) {
		if (read(fd, &line[n], 1) != 1)
			_exit(2);
		line[n + 1] = '\0';
		if (line[n] == '\n')
			return;
	}
	_exit(3);
}

/* A message of the given type by the client's own marshalling, with the fields that a call has not. */
static void serve_message(int fd, uint8_t type, const char *member, const char *error, uint32_t reply_to,
			  const char *text)
{
	_cleanup_buf_ struct buf b = { 0 }, body = { 0 };
	size_t mark;

	if (type == DBUS_SIGNAL) {
		dbus_put_u32(&body, 5);
	}
	dbus_put_string(&body, text);
	dbus_put_byte(&b, __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 'l' : 'B');
	dbus_put_byte(&b, type);
	dbus_put_byte(&b, 0);
	dbus_put_byte(&b, 1);
	dbus_put_u32(&b, (uint32_t)body.len);
	dbus_put_u32(&b, 1);
	mark = dbus_begin_array(&b, 8);
	for (int field = 2; field <= 8; field++) {
		const char *value = field == 2 && member ? "org.example.I"
				    : field == 3         ? member
				    : field == 4         ? error
							 : NULL;

		if (field == 8)
			value = type == DBUS_SIGNAL ? "us" : "s";
		if (!value && !(field == 5 && reply_to))
			continue;
		dbus_put_struct(&b);
		dbus_put_byte(&b, (uint8_t)field);
		dbus_put_signature(&b, field == 8 ? "g" : field == 5 ? "u" : "s");
		if (field == 5)
			dbus_put_u32(&b, reply_to);
		else if (field == 8)
			dbus_put_signature(&b, value);
		else
			dbus_put_string(&b, value);
	}
	dbus_end_array(&b, mark, 8);
	dbus_put_struct(&b);
	buf_append(&b, body.data, body.len);
	if (fd_write_all(fd, b.data, b.len) < 0)
		_exit(4);
}

static void serve(int listener, const struct server *s)
{
	struct error err;
	char line[100], header[DBUS_HEADER_MIN];
	uint32_t serial;
	size_t size;
	int fd = accept(listener, NULL, NULL);

	if (fd < 0 || read(fd, line, 1) != 1 || line[0] != '\0')
		_exit(1);
	serve_line(fd, line, sizeof(line));
	if (!str_eq(line, "AUTH EXTERNAL\r\n"))
		_exit(5);
	dprintf(fd, "%s\r\n", s->auth ? s->auth : "DATA");
	serve_line(fd, line, sizeof(line));
	if (!str_eq(line, "DATA\r\n"))
		_exit(6);
	dprintf(fd, "OK 0123456789abcdef\r\n");
	serve_line(fd, line, sizeof(line));
	if (!str_eq(line, "BEGIN\r\n"))
		_exit(6);
	if (fd_read_all(fd, header, sizeof(header)) != sizeof(header) ||
	    dbus_message_size(header, &size, &err) < 0)
		_exit(7);
	memcpy(&serial, header + 8, sizeof(serial));
	for (char c; size > sizeof(header); size--)
		if (read(fd, &c, 1) != 1)
			_exit(8);
	if (s->silent) {
		poll(NULL, 0, 5000);
		_exit(0);
	}
	if (s->signal_first)
		serve_message(fd, DBUS_SIGNAL, s->signal_first, NULL, 0, "early");
	serve_message(fd, DBUS_METHOD_RETURN, NULL, NULL, serial + 1, "to somebody else");
	serve_message(fd, s->error ? DBUS_ERROR : DBUS_METHOD_RETURN, NULL, s->error, serial, "the answer");
	serve_message(fd, DBUS_SIGNAL, "Other", NULL, 0, "not listened for");
	serve_message(fd, DBUS_SIGNAL, "Ended", NULL, 0, "late");
	_exit(0);
}

static pid_t start_server(const struct server *s)
{
	int listener;
	pid_t pid;

	unlink(socket_path);
	listener = fd_listen_at(AT_FDCWD, socket_path, SOCK_STREAM);
	assert_true(listener >= 0);
	pid = fork();
	if (pid == 0)
		serve(listener, s);
	fd_close(listener);
	return pid;
}

static void check_signal(struct dbus *d, const char *text)
{
	_cleanup_dbus_message_ struct dbus_message m = { 0 };
	struct dbus_reader r;
	struct error err = { 0 };

	assert_int_equal(dbus_next_signal(d, &m, &err), 0);
	r = (struct dbus_reader){ .data = m.body, .len = m.body_len };
	assert_int_equal(dbus_get_u32(&r), 5);
	assert_string_equal(dbus_get_string(&r), text);
}

static void converse(const struct server *s, int wanted)
{
	pid_t pid = start_server(s);
	_cleanup_dbus_ struct dbus *d = NULL;
	struct dbus_message answer = { 0 };
	struct error err = { 0 };
	int status, r;

	assert_int_equal(dbus_open(socket_path, false, s->silent ? 200 : 10000, &d, &err), 0);
	assert_int_equal(dbus_listen(d, "org.example.I", "Ended", &err), 0);
	r = dbus_call(d, &method, "", NULL, &answer, &err);
	assert_int_equal(r, wanted);
	if (r >= 0) {
		_cleanup_dbus_message_ struct dbus_message m = answer;

		assert_string_equal(dbus_message_string(&m), "the answer");
		if (r == DBUS_REFUSED)
			assert_string_equal(m.error_name, s->error);
		if (s->signal_first)
			check_signal(d, "early");
		check_signal(d, "late");
	} else {
		kill(pid, SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (r >= 0)
		assert_int_equal(status, 0);
}

static void test_answer(void **state _unused_)
{
	converse(&(struct server){ 0 }, 0);
}

static void test_old_authentication(void **state _unused_)
{
	converse(&(struct server){ .auth = "OK 0123456789abcdef" }, 0);
}

static void test_signal_before_answer(void **state _unused_)
{
	converse(&(struct server){ .signal_first = "Ended" }, 0);
}

static void test_error_answer(void **state _unused_)
{
	converse(&(struct server){ .error = "org.example.Error.No" }, DBUS_REFUSED);
}

static void test_no_answer(void **state _unused_)
{
	converse(&(struct server){ .silent = true }, -ETIMEDOUT);
}

static void test_refused_authentication(void **state _unused_)
{
	pid_t pid = start_server(&(struct server){ .auth = "REJECTED EXTERNAL" });
	struct error err = { 0 };
	struct dbus *d = NULL;

	assert_int_equal(dbus_open(socket_path, false, 10000, &d, &err), -EACCES);
	assert_non_null(strstr(err.msg, "REJECTED"));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void test_nobody_there(void **state _unused_)
{
	struct error err = { 0 };
	struct dbus *d = NULL;

	assert_int_equal(dbus_open("/nonexistent/socket", false, 1000, &d, &err), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_call_bytes),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_old_authentication),
		cmocka_unit_test(test_signal_before_answer),
		cmocka_unit_test(test_error_answer),
		cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_refused_authentication),
		cmocka_unit_test(test_nobody_there),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, setup, teardown);
}
