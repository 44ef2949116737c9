/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The hostile guest's FUSE (<linux/fuse.h>). Each request has the number of its file first, 1 is the root of the share tree; "keep=N" before its name keeps the
 * number that the answer begins with, of a file (LOOKUP, MKDIR ...) or an open one (OPEN, OPENDIR), for "@N".
 */
#include "guest.h"

static void say_bytes_read(const uint8_t *p)
{
	uint32_t n = get(p - 16, 4);

	say("data ");
	say_bytes(p, n > 16 && n < ROOM ? n - 16 : 0);
}

static void say_count(const uint8_t *p)
{
	say_field("count ", get(p, 4), 10);
}

/* struct fuse_attr */
static void say_attributes(const uint8_t *p)
{
	say_field("mode ", get(p + 60, 4), 8);
	say_field(" uid ", get(p + 68, 4), 10);
	say_field(" gid ", get(p + 72, 4), 10);
	say_field(" links ", get(p + 64, 4), 10);
	say_field(" size ", get(p + 8, 4), 10);
}

static void say_attr_out(const uint8_t *p)
{
	say_attributes(p + 16);
}

static void say_entry(const uint8_t *p)
{
	say("entry ");
	say_attributes(p + 40);
}

static void say_names(const uint8_t *p)
{
	uint32_t n = get(p - 16, 4);
	const uint8_t *end = p + (n > 16 && n < ROOM ? n - 16 : 0);

	say("entries");
	for (; p + 24 <= end; p += (24 + length(p + 16, 4) + 7) / 8 * 8) {
		say(" ");
		say_bytes(p + 24, length(p + 16, 4));
	}
}

static const struct request requests[] = {
	{ "LOOKUP", 1, "z", say_entry },
	{ "GETATTR", 3, "448", say_attr_out },
	{ "SETATTR", 4, "4488888844444444", say_attr_out },
	{ "READLINK", 5, "", say_bytes_read },
	{ "SYMLINK", 6, "zz", say_entry },
	{ "MKNOD", 8, "4444z", say_entry },
	{ "MKDIR", 9, "44z", say_entry },
	{ "UNLINK", 10, "z", NULL },
	{ "RMDIR", 11, "z", NULL },
	{ "RENAME", 12, "8zz", NULL },
	{ "LINK", 13, "8z", say_entry },
	{ "OPEN", 14, "44", NULL },
	{ "READ", 15, "8844844", say_bytes_read },
	{ "WRITE", 16, "8844844b", say_count },
	{ "STATFS", 17, "", NULL },
	{ "RELEASE", 18, "8448", NULL },
	{ "SETXATTR", 21, "4444zb", NULL },
	{ "GETXATTR", 22, "44z", say_bytes_read },
	{ "INIT", 26, "4444", NULL },
	{ "OPENDIR", 27, "44", NULL },
	{ "READDIR", 28, "8844844", say_names },
	{ "CREATE", 35, "4444z", say_entry },
	{ "RENAME2", 45, "844zz", NULL },
	{ "Raw", 0, "r", NULL },
};

/* struct fuse_in_header: as root */
static void begin(struct message *m, uint8_t type, uint16_t tag, struct text *line)
{
	add(m, 0, 4);
	add(m, type, 4);
	add(m, tag + 1U, 8); /* 0 is for what is no answer */
	add(m, number(next_until(line, ' ')), 8);
	add(m, 0, 8);
	add(m, 1, 8);
}

/* struct fuse_out_header */
static bool failed(const struct message *m, uint32_t *ret_error)
{
	*ret_error = -get(m->reply + 4, 4);
	return *ret_error != 0;
}

static uint8_t type_of(const struct message *m)
{
	return m->request[4];
}

const struct protocol protocol_fuse = {
	.device = 26, .queue = 1, .header = 16, .requests = requests, .n_requests = sizeof(requests) / sizeof(requests[0]),
	.begin = begin, .failed = failed, .type_of = type_of,
};
