/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one frame parser, for both ends of every channel: worker and agent over virtio-serial, command line and
 * worker over control.sock. It is incremental (a byte at a time gives the same frames), bounded (a header
 * that announces more than the channel allows is refused before a byte of it is stored) and knows nothing of
 * what the bodies mean. Fuzzed by tests/fuzz/fuzz_frame.c.
 */
#include "proto/frame.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

void frame_put_u32(void *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof(v));
}

uint32_t frame_get_u32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static uint16_t get_u16(const char *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return le16toh(v);
}

static uint64_t get_u64(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

void frame_reader_init(struct frame_reader *r, uint32_t max_len)
{
	*r = (struct frame_reader){ .max_len = max_len };
}

void frame_reader_done(struct frame_reader *r)
{
	buf_done(&r->in);
	r->used = 0;
}

static void drop_used(struct frame_reader *r)
{
	buf_consume(&r->in, r->used);
	r->used = 0;
}

void frame_reader_feed(struct frame_reader *r, const void *bytes, size_t n)
{
	drop_used(r);
	buf_append(&r->in, bytes, n);
}

static int check_header(const struct frame_reader *r, const struct frame *f, struct error *err)
{
	if (f->len > r->max_len)
		return error_set(err, EPROTO, "frame of type %u: body of %u bytes, at most %u are allowed",
				 f->type, f->len, r->max_len);
	if (f->flags & ~_FRAME_FLAGS || f->flags == FRAME_ERROR)
		return error_set(err, EPROTO, "frame of type %u: invalid flags 0x%x", f->type, f->flags);
	return 0;
}

size_t frame_reader_missing(const struct frame_reader *r)
{
	size_t n = r->in.len - r->used, whole = FRAME_HEADER_SIZE;

	if (n >= FRAME_HEADER_SIZE)
		whole += MIN(frame_get_u32(r->in.data + r->used), r->max_len);
	return whole > n ? whole - n : 0;
}

int frame_reader_next(struct frame_reader *r, struct frame *ret, struct error *err)
{
	const char *p = r->in.data + r->used;
	size_t n = r->in.len - r->used;
	struct frame f;
	int e;

	if (n < FRAME_HEADER_SIZE) {
		drop_used(r);
		return 0;
	}
	f = (struct frame){
		.len = frame_get_u32(p), .type = get_u16(p + 4), .flags = get_u16(p + 6), .id = get_u64(p + 8)
	};
	e = check_header(r, &f, err);
	if (e < 0)
		return e;
	if (n - FRAME_HEADER_SIZE < f.len) {
		drop_used(r);
		return 0;
	}
	f.body = p + FRAME_HEADER_SIZE;
	r->used += FRAME_HEADER_SIZE + f.len;
	*ret = f;
	return 1;
}

void frame_append(struct buf *out, uint16_t type, uint16_t flags, uint64_t id, const void *body, size_t len)
{
	struct {
		uint32_t len;
		uint16_t type, flags;
		uint64_t id;
	} header = { htole32(len), htole16(type), htole16(flags), htole64(id) };

	_Static_assert(sizeof(header) == FRAME_HEADER_SIZE, "the header has no padding");
	buf_append(out, &header, sizeof(header));
	buf_append(out, body, len);
}

void frame_append_error(struct buf *out, uint16_t type, uint64_t id, const struct error *e)
{
	char body[4 + sizeof(e->msg)];
	size_t n = strnlen(e->msg, sizeof(e->msg));

	frame_put_u32(body, (uint32_t)e->code);
	memcpy(body + 4, e->msg, n);
	frame_append(out, type, FRAME_REPLY | FRAME_ERROR, id, body, 4 + n);
}

int frame_get_error(const struct frame *f, struct error *ret)
{
	size_t n;

	if (f->len < 4)
		return error_set(ret, EPROTO, "error reply without an error");
	n = MIN(f->len - 4, sizeof(ret->msg) - 1);
	*ret = (struct error){ .code = (int)frame_get_u32(f->body) };
	memcpy(ret->msg, f->body + 4, n);
	error_sanitize(ret);
	return -ret->code;
}
