/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* proto/frame.h: what the one parser makes of a byte stream, in whatever pieces it comes and whatever is
 * wrong with it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "proto/frame.h"
#include "proto/message.h"

enum { LIMIT = 64 };

/* Three frames: a body, none, and the longest that is allowed. */
static void append_three(struct buf *b)
{
	char longest[LIMIT];

	memset(longest, 'x', sizeof(longest));
	frame_append(b, MESSAGE_DATA, 0, 5, "hello", 5);
	frame_append(b, MESSAGE_EOF, FRAME_REPLY, UINT64_MAX, NULL, 0);
	frame_append(b, MESSAGE_STATS, FRAME_REPLY | FRAME_ERROR, 0, longest, sizeof(longest));
}

static unsigned check_frames(struct frame_reader *r, unsigned seen)
{
	struct error err;
	struct frame f;

	while (frame_reader_next(r, &f, &err) == 1) {
		switch (seen++) {
		case 0:
			assert_int_equal(f.type, MESSAGE_DATA);
			assert_int_equal(f.id, 5);
			assert_int_equal(f.len, 5);
			assert_memory_equal(f.body, "hello", 5);
			break;
		case 1:
			assert_int_equal(f.flags, FRAME_REPLY);
			assert_true(f.id == UINT64_MAX);
			assert_int_equal(f.len, 0);
			break;
		default:
			assert_int_equal(f.flags, FRAME_REPLY | FRAME_ERROR);
			assert_int_equal(f.len, LIMIT);
			assert_int_equal(f.body[LIMIT - 1], 'x');
		}
	}
	return seen;
}

static void test_pieces(void **state)
{
	(void)state;
	for (size_t piece = 1; piece <= 3 * FRAME_HEADER_SIZE + 5 + LIMIT; piece++) {
		_cleanup_buf_ struct buf b = { 0 };
		struct frame_reader r;
		unsigned seen = 0;

		append_three(&b);
		frame_reader_init(&r, LIMIT);
		for (size_t at = 0; at < b.len; at += piece) {
			frame_reader_feed(&r, b.data + at, MIN(piece, b.len - at));
			seen = check_frames(&r, seen);
		}
		assert_int_equal(seen, 3);
		assert_int_equal(r.in.len - r.used, 0);
		frame_reader_done(&r);
	}
}

/* Whoever reads only what is missing has one whole frame and not a byte of the next one. */
static void test_missing(void **state)
{
	_cleanup_buf_ struct buf two = { 0 };
	struct frame_reader r;
	struct error err;
	struct frame f;
	size_t at = 0, n;

	(void)state;
	frame_append(&two, MESSAGE_CREATE, FRAME_REPLY, 1, "first", 5);
	frame_append(&two, MESSAGE_CREATE, FRAME_REPLY, 2, "second", 6);
	frame_reader_init(&r, 100);
	while (frame_reader_next(&r, &f, &err) == 0) {
		n = frame_reader_missing(&r);
		assert_in_range(n, 1, two.len - at);
		frame_reader_feed(&r, two.data + at, n);
		at += n;
	}
	assert_int_equal(at, FRAME_HEADER_SIZE + 5);
	assert_int_equal(f.id, 1);
	assert_int_equal(frame_reader_next(&r, &f, &err), 0);
	frame_reader_done(&r);
}

static void test_truncated(void **state)
{
	_cleanup_buf_ struct buf b = { 0 };

	(void)state;
	frame_append(&b, MESSAGE_DATA, 0, 1, "body", 4);
	for (size_t n = 0; n < b.len; n++) {
		struct frame_reader r;
		struct frame f;
		struct error err;

		frame_reader_init(&r, LIMIT);
		frame_reader_feed(&r, b.data, n);
		assert_int_equal(frame_reader_next(&r, &f, &err), 0);
		assert_int_equal(frame_reader_next(&r, &f, &err), 0);
		frame_reader_done(&r);
	}
}

static void test_layout(void **state)
{
	static const unsigned char wire[] = { 2, 0, 0, 0, 0x20, 0, 1, 0, 8, 7, 6, 5, 4, 3, 2, 1, 'h', 'i' };
	_cleanup_buf_ struct buf b = { 0 };

	(void)state;
	frame_append(&b, MESSAGE_DATA, FRAME_REPLY, UINT64_C(0x0102030405060708), "hi", 2);
	assert_int_equal(b.len, sizeof(wire));
	assert_memory_equal(b.data, wire, sizeof(wire));
}

/* A bad header is refused as soon as it is there, before its body is. */
static void test_refused(void **state)
{
	static const struct {
		uint32_t len;
		unsigned char flags;
		const char *message;
	} cases[] = {
		{ LIMIT + 1, 0, "frame of type 32: body of 65 bytes, at most 64 are allowed" },
		{ UINT32_MAX, 0, "frame of type 32: body of 4294967295 bytes, at most 64 are allowed" },
		{ 0, FRAME_ERROR, "frame of type 32: invalid flags 0x2" },
		{ 0, 4, "frame of type 32: invalid flags 0x4" },
		{ 0, 0xff, "frame of type 32: invalid flags 0xff" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned char header[FRAME_HEADER_SIZE] = { 0 };
		struct frame_reader r;
		struct error err;
		struct frame f;

		frame_put_u32(header, cases[i].len);
		header[4] = MESSAGE_DATA;
		header[6] = cases[i].flags;
		frame_reader_init(&r, LIMIT);
		frame_reader_feed(&r, header, sizeof(header));
		assert_int_equal(frame_reader_next(&r, &f, &err), -EPROTO);
		assert_string_equal(err.msg, cases[i].message);
		frame_reader_done(&r);
	}
}

static void read_error(const char *body, size_t len, struct error *ret)
{
	const struct frame f = { .body = body, .len = (uint32_t)len };

	int r = frame_get_error(&f, ret);

	assert_int_equal(r, -ret->code);
}

static void test_error(void **state)
{
	char endless[4 + 5000];
	_cleanup_buf_ struct buf b = { 0 };
	struct error e, got;

	(void)state;
	error_set(&e, ENOENT, "no such thing");
	frame_append_error(&b, MESSAGE_START, 7, &e);
	read_error(b.data + FRAME_HEADER_SIZE, b.len - FRAME_HEADER_SIZE, &got);
	assert_int_equal(got.code, ENOENT);
	assert_string_equal(got.msg, "no such thing");

	read_error("abc", 3, &got);
	assert_int_equal(got.code, EPROTO);
	read_error("\0\0\0\0evil\033[2J\n", 13, &got);
	assert_int_equal(got.code, EPROTO);
	assert_string_equal(got.msg, "evil?[2J ");
	read_error("\377\377\377\377x", 5, &got);
	assert_true(got.code > 0);
	memset(endless, 'y', sizeof(endless));
	frame_put_u32(endless, EIO);
	read_error(endless, sizeof(endless), &got);
	assert_int_equal(strlen(got.msg), sizeof(got.msg) - 1);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(message_to_string(MESSAGE_HELLO), "HELLO");
	assert_string_equal(message_to_string(MESSAGE_SETUP), "SETUP");
	assert_string_equal(message_to_string(0), "?");
	assert_string_equal(message_to_string(63), "?");
	assert_string_equal(message_to_string(65535), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),    cmocka_unit_test(test_pieces), cmocka_unit_test(test_missing),
		cmocka_unit_test(test_truncated), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_error),     cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("proto_frame", tests, NULL, NULL);
}
