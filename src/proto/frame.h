/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_PROTO_FRAME_H
#define HV_PROTO_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

/*
 * A frame on every channel of hvrun: 16 bytes of header, little-endian, then the body (doc/PROTOCOL.md).
 *
 *      0   u32  length of the body
 *      4   u16  type (enum message)
 *      6   u16  flags
 *      8   u64  id: request, process or stream, depending on the type
 */
enum { FRAME_HEADER_SIZE = 16 };

enum frame_flag {
	FRAME_REPLY = 1 << 0, /* the answer to the request of the same type and id */
	FRAME_ERROR = 1 << 1, /* with FRAME_REPLY: it failed, and the body is a struct error: u32 code, then
				 the text */
	_FRAME_FLAGS = FRAME_REPLY | FRAME_ERROR,
};

/* The longest bodies: a CREATE must hold a config.json; a stream's frame is one read of a pipe. */
enum { FRAME_CONTROL_MAX = 1 << 20, FRAME_STREAM_MAX = 32 << 10 };

struct frame {
	uint16_t type;
	uint16_t flags;
	uint32_t len;
	uint64_t id;
	const char *body; /* len bytes, followed by whatever comes next: not NUL-terminated */
};

/* Cuts a byte stream into frames. What comes in is taken for hostile: nothing but complete, well-formed
 * frames comes out. */
struct frame_reader {
	struct buf in;
	size_t used; /* bytes at the front of "in" that the last frame took */
	uint32_t max_len;
};

void frame_reader_init(struct frame_reader *r, uint32_t max_len);
void frame_reader_done(struct frame_reader *r);

/* Adds n bytes as they came in. Invalidates the last frame. */
void frame_reader_feed(struct frame_reader *r, const void *bytes, size_t n);

/* How many bytes the next frame needs still, as far as its header is there: never more than that frame has. 0: it is complete. */
size_t frame_reader_missing(const struct frame_reader *r);

/*
 * The next frame: 1 with *ret, whose body stays valid until the next call of this or frame_reader_feed(); 0
 * when more bytes are needed; < 0 (EPROTO) when the header is none: too long a body, unknown flags,
 * FRAME_ERROR without FRAME_REPLY. The reader is of no use after that: where the next frame starts is not
 * known.
 */
int frame_reader_next(struct frame_reader *r, struct frame *ret, struct error *err);

/* Appends a frame to out. len must fit the receiver's limit. */
void frame_append(struct buf *out, uint16_t type, uint16_t flags, uint64_t id, const void *body, size_t len);

/* The answer to a request that failed. */
void frame_append_error(struct buf *out, uint16_t type, uint64_t id, const struct error *e);

/* The error in a FRAME_ERROR frame, made safe to print. Returns -code; a body that is none gives EPROTO. */
int frame_get_error(const struct frame *f, struct error *ret);

/* Little-endian numbers, as in headers and in the body of MESSAGE_CREDIT. */
void frame_put_u32(void *p, uint32_t v);
uint32_t frame_get_u32(const void *p);

#endif
