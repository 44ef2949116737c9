/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The hostile guest's 9P2000.L (diod's protocol.md; net/9p/protocol.c of Linux). "tag=N" is another tag than the line's number. */
#include "guest.h"

enum { RLERROR = 7 };

static void say_version(const uint8_t *p)
{
	say_field("msize ", get(p, 4), 10);
	say(" ");
	say_bytes(p + 6, length(p + 4, 2));
}

static void say_walk(const uint8_t *p)
{
	say_field("names ", get(p, 2), 10);
}

static void say_data(const uint8_t *p)
{
	say("data ");
	say_bytes(p + 4, length(p, 4));
}

static void say_count(const uint8_t *p)
{
	say_field("count ", get(p, 4), 10);
}

static void say_link(const uint8_t *p)
{
	say("link ");
	say_bytes(p + 2, length(p, 2));
}

static void say_attributes(const uint8_t *p)
{
	say_field("mode ", get(p + 21, 4), 8);
	say_field(" uid ", get(p + 25, 4), 10);
	say_field(" gid ", get(p + 29, 4), 10);
	say_field(" links ", get(p + 33, 4), 10);
	say_field(" size ", get(p + 49, 4), 10);
}

static void say_names(const uint8_t *p)
{
	const uint8_t *end = p + 4 + length(p, 4);

	say("entries");
	for (p += 4; p + 24 <= end; p += 24 + length(p + 22, 2)) {
		say(" ");
		say_bytes(p + 24, length(p + 22, 2));
	}
}

static const struct request requests[] = {
	{ "Tstatfs", 8, "4", NULL },
	{ "Tlopen", 12, "44", NULL },
	{ "Tlcreate", 14, "4s444", NULL },
	{ "Tsymlink", 16, "4ss4", NULL },
	{ "Tmknod", 18, "4s4444", NULL },
	{ "Trename", 20, "44s", NULL },
	{ "Treadlink", 22, "4", say_link },
	{ "Tgetattr", 24, "48", say_attributes },
	{ "Tsetattr", 26, "44444888888", NULL },
	{ "Txattrwalk", 30, "44s", say_count },
	{ "Txattrcreate", 32, "4s84", NULL },
	{ "Treaddir", 40, "484", say_names },
	{ "Tfsync", 50, "44", NULL },
	{ "Tlink", 70, "44s", NULL },
	{ "Tmkdir", 72, "4s44", NULL },
	{ "Trenameat", 74, "4s4s", NULL },
	{ "Tunlinkat", 76, "4s4", NULL },
	{ "Tversion", 100, "4s", say_version },
	{ "Tattach", 104, "44ss4", NULL },
	{ "Tflush", 108, "2", NULL },
	{ "Twalk", 110, "44w", say_walk },
	{ "Tread", 116, "484", say_data },
	{ "Twrite", 118, "48d", say_count },
	{ "Tclunk", 120, "4", NULL },
	{ "Tremove", 122, "4", NULL },
	{ "Raw", 0, "r", NULL },
};

static void begin(struct message *m, uint8_t type, uint16_t tag, struct text *line)
{
	(void)line;
	add(m, 0, 4);
	add(m, type, 1);
	add(m, tag, 2);
}

static bool failed(const struct message *m, uint32_t *ret_error)
{
	*ret_error = get(m->reply + 7, 4);
	return m->reply[4] == RLERROR;
}

static uint8_t type_of(const struct message *m)
{
	return (uint8_t)(m->reply[4] - 1);
}

const struct protocol protocol_9p = {
	.device = 9, .queue = 0, .header = 7, .requests = requests, .n_requests = sizeof(requests) / sizeof(requests[0]),
	.begin = begin, .failed = failed, .type_of = type_of,
};
