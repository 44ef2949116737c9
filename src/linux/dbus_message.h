/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_DBUS_MESSAGE_H
#define HV_LINUX_DBUS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

/* D-Bus messages as bytes, in this machine's byte order (D-Bus specification, "Marshaling (Wire Format)").
 * Pure. */

enum {
	DBUS_HEADER_MIN = 16,       /* as much as is needed to know a message's size */
	DBUS_MESSAGE_MAX = 4 << 20, /* the specification allows 128 MiB; nothing we ask for comes near */
};

enum dbus_type { DBUS_METHOD_CALL = 1, DBUS_METHOD_RETURN, DBUS_ERROR, DBUS_SIGNAL };

/* Whom a message is for. destination NULL: the other end of the connection itself. */
struct dbus_method {
	const char *destination, *path, *interface, *member;
};

/* One message that came. The strings are in raw; NULL when the message does not have the field. */
struct dbus_message {
	enum dbus_type type;
	uint32_t serial, reply_serial;
	const char *path, *interface, *member, *error_name, *signature;
	const char *body;
	size_t body_len;
	char *raw; /* owned */
};

void dbus_message_done(struct dbus_message *m);
#define _cleanup_dbus_message_ _cleanup_(dbus_message_done)

/* A method call with its body, which the functions below have made. */
void dbus_build_call(const struct dbus_method *method, uint32_t serial, const char *signature,
		     const struct buf *body, struct buf *ret);

/* A message's whole size, from its first DBUS_HEADER_MIN bytes. */
int dbus_message_size(const char *header, size_t *ret, struct error *err);

/* Takes apart a whole message; takes raw (malloc'd), also when it fails. */
int dbus_message_parse(char *raw, size_t len, struct dbus_message *ret, struct error *err);

/* Append a value to a body or a header, with the padding before it. A string serves 's' and 'o'. */
void dbus_put_byte(struct buf *b, uint8_t v);
void dbus_put_bool(struct buf *b, bool v);
void dbus_put_u32(struct buf *b, uint32_t v);
void dbus_put_u64(struct buf *b, uint64_t v);
void dbus_put_string(struct buf *b, const char *s);
void dbus_put_signature(struct buf *b, const char *s);
void dbus_put_struct(struct buf *b); /* structs and dict entries begin at a multiple of 8 */

/* An array of elements that begin at multiples of align: what is appended between the two calls. */
size_t dbus_begin_array(struct buf *b, unsigned align);
void dbus_end_array(struct buf *b, size_t mark, unsigned align);

/* Reads a body from its start. Past a value that does not fit everything is 0 or NULL, and bad is set. */
struct dbus_reader {
	const char *data;
	size_t len, pos;
	bool bad;
};
uint8_t dbus_get_byte(struct dbus_reader *r);
uint32_t dbus_get_u32(struct dbus_reader *r);
const char *dbus_get_string(struct dbus_reader *r); /* points into data */
const char *dbus_get_signature(struct dbus_reader *r);

/* The body's string when its signature is exactly one ("s", "o") or a variant of it ("v"), else NULL. */
const char *dbus_message_string(const struct dbus_message *m);

#endif
