/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The hostile guest (guest.c): what its protocols (guest-9p.c, guest-fuse.c) and its kernel have in common. */
#ifndef GUEST_H
#define GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ROOM = 16384, SLOTS = 64 };

/* Text: what is left of a line. */
struct text {
	const char *p, *end;
};

struct message {
	uint8_t request[ROOM], reply[ROOM];
	uint32_t size, room, replied;
	struct text line;
	bool answered, lost, until;
	unsigned keep; /* the slot for what the answer names; 0: none */
};

/* A request by its name in the text. fields: those of add_fields(). */
struct request {
	const char *name;
	uint8_t type; /* 0: the first field says it */
	const char *fields;
	void (*say)(const uint8_t *reply); /* what follows the answer's header, when it is no error; NULL: "done" is said */
};

struct protocol {
	uint32_t device; /* virtio's number for it, and the queue that takes requests */
	uint32_t queue;
	uint32_t header; /* bytes before the fields, and before what say() gets */
	const struct request *requests;
	size_t n_requests;
	/* Writes the header but for the size, after what it wants of the line; tag: the line's number. */
	void (*begin)(struct message *m, uint8_t type, uint16_t tag, struct text *line);
	bool (*failed)(const struct message *m, uint32_t *ret_error);
	uint8_t (*type_of)(const struct message *m); /* of the answer, as requests[].type; 0: of none that is known */
};

extern const struct protocol protocol_9p, protocol_fuse;
extern uint64_t slots[SLOTS]; /* kept numbers, "@N" in the text */

/* To the console. say_bytes() writes what is not printable as %XX, at most 1000 bytes. */
void say(const char *s);
void say_field(const char *name, uint32_t n, uint32_t base);
void say_bytes(const uint8_t *s, size_t n);

/* The next word of a line, and a number in one. */
struct text next_until(struct text *t, char stop);
uint64_t number(struct text t);

/* A little-endian number of so many bytes, its low 32 bits; length(): no more than there can be bytes. */
uint32_t get(const uint8_t *p, unsigned bytes);
uint32_t length(const uint8_t *p, unsigned bytes);

/* At the end of a request. */
void add(struct message *m, uint64_t value, unsigned bytes);

#endif
