/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Marshalling of D-Bus messages: as much of the wire format as talking to systemd needs. Every value is
 * aligned to its size, counted from the start of the message; a body starts at a multiple of 8, so that one
 * made apart has the same padding. What comes in is checked value by value, and nothing outside of the
 * message is ever read.
 */
#include "linux/dbus_message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BYTE_ORDER_MARK 'l'
#else
#define BYTE_ORDER_MARK 'B'
#endif

enum { PROTOCOL_VERSION = 1 };

/* Header fields, "Header Fields" in the specification. */
enum {
	FIELD_PATH = 1,
	FIELD_INTERFACE,
	FIELD_MEMBER,
	FIELD_ERROR_NAME,
	FIELD_REPLY_SERIAL,
	FIELD_DESTINATION,
	FIELD_SENDER,
	FIELD_SIGNATURE,
	FIELD_UNIX_FDS,
	_FIELD_MAX,
};

void dbus_message_done(struct dbus_message *m)
{
	free(m->raw);
	*m = (struct dbus_message){ 0 };
}

/* Writing ----------------------------------------------------------------------------------- */

static size_t align_up(size_t n, unsigned align)
{
	return (n + align - 1) / align * align;
}

static void put_padding(struct buf *b, unsigned align)
{
	static const char zeros[8];

	buf_append(b, zeros, align_up(b->len, align) - b->len);
}

void dbus_put_byte(struct buf *b, uint8_t v)
{
	buf_append(b, &v, sizeof(v));
}

void dbus_put_u32(struct buf *b, uint32_t v)
{
	put_padding(b, sizeof(v));
	buf_append(b, &v, sizeof(v));
}

void dbus_put_bool(struct buf *b, bool v)
{
	dbus_put_u32(b, v);
}

void dbus_put_u64(struct buf *b, uint64_t v)
{
	put_padding(b, sizeof(v));
	buf_append(b, &v, sizeof(v));
}

void dbus_put_string(struct buf *b, const char *s)
{
	dbus_put_u32(b, (uint32_t)strlen(s));
	buf_append(b, s, strlen(s) + 1);
}

void dbus_put_signature(struct buf *b, const char *s)
{
	dbus_put_byte(b, (uint8_t)strlen(s));
	buf_append(b, s, strlen(s) + 1);
}

void dbus_put_struct(struct buf *b)
{
	put_padding(b, 8);
}

/* The mark is where the length stands; the padding between it and the first element does not count. */
size_t dbus_begin_array(struct buf *b, unsigned align)
{
	size_t mark;

	dbus_put_u32(b, 0);
	mark = b->len - sizeof(uint32_t);
	put_padding(b, align);
	return mark;
}

void dbus_end_array(struct buf *b, size_t mark, unsigned align)
{
	uint32_t n = (uint32_t)(b->len - align_up(mark + sizeof(uint32_t), align));

	memcpy(b->data + mark, &n, sizeof(n));
}

static void put_field(struct buf *b, uint8_t field, const char *type, const char *value)
{
	if (str_is_empty(value))
		return;
	dbus_put_struct(b);
	dbus_put_byte(b, field);
	dbus_put_signature(b, type);
	if (str_eq(type, "g"))
		dbus_put_signature(b, value);
	else
		dbus_put_string(b, value);
}

void dbus_build_call(const struct dbus_method *method, uint32_t serial, const char *signature,
		     const struct buf *body, struct buf *ret)
{
	struct buf b = { 0 };
	size_t mark;

	dbus_put_byte(&b, BYTE_ORDER_MARK);
	dbus_put_byte(&b, DBUS_METHOD_CALL);
	dbus_put_byte(&b, 0); /* flags */
	dbus_put_byte(&b, PROTOCOL_VERSION);
	dbus_put_u32(&b, (uint32_t)body->len);
	dbus_put_u32(&b, serial);
	mark = dbus_begin_array(&b, 8);
	put_field(&b, FIELD_PATH, "o", method->path);
	put_field(&b, FIELD_INTERFACE, "s", method->interface);
	put_field(&b, FIELD_MEMBER, "s", method->member);
	put_field(&b, FIELD_DESTINATION, "s", method->destination);
	put_field(&b, FIELD_SIGNATURE, "g", signature);
	dbus_end_array(&b, mark, 8);
	put_padding(&b, 8);
	buf_append(&b, body->data, body->len);
	*ret = b;
}

/* Reading ----------------------------------------------------------------------------------- */

/* n bytes at the next multiple of align, or NULL. */
static const char *take(struct dbus_reader *r, size_t n, unsigned align)
{
	size_t pos = align_up(r->pos, align);

	if (r->bad || pos > r->len || n > r->len - pos) {
		r->bad = true;
		return NULL;
	}
	r->pos = pos + n;
	return r->data + pos;
}

uint8_t dbus_get_byte(struct dbus_reader *r)
{
	const char *p = take(r, 1, 1);

	return p ? (uint8_t)*p : 0;
}

uint32_t dbus_get_u32(struct dbus_reader *r)
{
	const char *p = take(r, sizeof(uint32_t), sizeof(uint32_t));
	uint32_t v = 0;

	if (p)
		memcpy(&v, p, sizeof(v));
	return v;
}

/* len bytes and a NUL, none before. */
static const char *get_text(struct dbus_reader *r, size_t len)
{
	const char *p = take(r, len + 1, 1);

	if (p && strnlen(p, len + 1) != len) {
		r->bad = true;
		return NULL;
	}
	return p;
}

const char *dbus_get_string(struct dbus_reader *r)
{
	return get_text(r, dbus_get_u32(r));
}

const char *dbus_get_signature(struct dbus_reader *r)
{
	return get_text(r, dbus_get_byte(r));
}

const char *dbus_message_string(const struct dbus_message *m)
{
	struct dbus_reader r = { .data = m->body, .len = m->body_len };
	const char *signature = m->signature ? m->signature : "";

	if (str_eq(signature, "v")) {
		signature = dbus_get_signature(&r);
		if (!signature)
			return NULL;
	}
	return str_eq(signature, "s") || str_eq(signature, "o") ? dbus_get_string(&r) : NULL;
}

int dbus_message_size(const char *header, size_t *ret, struct error *err)
{
	struct dbus_reader r = { .data = header, .len = DBUS_HEADER_MIN };
	uint32_t body, fields;
	uint8_t version;

	if (dbus_get_byte(&r) != BYTE_ORDER_MARK)
		return error_set(err, EPROTO,
				 "D-Bus: the message is in another byte order than this machine's");
	r.pos = 3;
	version = dbus_get_byte(&r);
	if (version != PROTOCOL_VERSION)
		return error_set(err, EPROTO, "D-Bus: protocol version %u instead of %d", version,
				 PROTOCOL_VERSION);
	body = dbus_get_u32(&r);
	dbus_get_u32(&r);
	fields = dbus_get_u32(&r);
	if (body > DBUS_MESSAGE_MAX || fields > DBUS_MESSAGE_MAX)
		return error_set(err, EPROTO, "D-Bus: a message of more than %d bytes", DBUS_MESSAGE_MAX);
	*ret = align_up(DBUS_HEADER_MIN + (size_t)fields, 8) + body;
	return 0;
}

/* One (byte, variant); all fields that there are have a variant of a string, a signature or a number. */
static void get_field(struct dbus_reader *r, struct dbus_message *m)
{
	const char **strings[_FIELD_MAX] = {
		[FIELD_PATH] = &m->path,           [FIELD_INTERFACE] = &m->interface,
		[FIELD_MEMBER] = &m->member,       [FIELD_ERROR_NAME] = &m->error_name,
		[FIELD_SIGNATURE] = &m->signature,
	};
	const char *type, *text = NULL;
	uint32_t number = 0;
	uint8_t field;

	r->pos = align_up(r->pos, 8);
	field = dbus_get_byte(r);
	type = dbus_get_signature(r);
	if (str_eq(type, "s") || str_eq(type, "o"))
		text = dbus_get_string(r);
	else if (str_eq(type, "g"))
		text = dbus_get_signature(r);
	else if (str_eq(type, "u"))
		number = dbus_get_u32(r);
	else
		r->bad = true;
	if (field < _FIELD_MAX && strings[field])
		*strings[field] = text;
	if (field == FIELD_REPLY_SERIAL)
		m->reply_serial = number;
}

int dbus_message_parse(char *raw, size_t len, struct dbus_message *ret, struct error *err)
{
	struct dbus_message m = { .raw = raw };
	struct dbus_reader r = { .data = raw, .len = len, .pos = 1 };
	size_t size = 0, end;

	if (len >= DBUS_HEADER_MIN && dbus_message_size(raw, &size, err) < 0) {
		free(raw);
		return -EPROTO;
	}
	m.type = dbus_get_byte(&r);
	r.pos = 8;
	m.serial = dbus_get_u32(&r);
	end = DBUS_HEADER_MIN + (size_t)dbus_get_u32(&r);
	while (!r.bad && r.pos < end)
		get_field(&r, &m);
	if (r.bad || r.pos != end || size != len) {
		free(raw);
		return error_set(err, EPROTO, "D-Bus: a message that is not well-formed");
	}
	m.body = raw + align_up(end, 8);
	m.body_len = (size_t)(raw + len - m.body);
	*ret = m;
	return 0;
}
