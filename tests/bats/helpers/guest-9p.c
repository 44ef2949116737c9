/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A hostile guest: a kernel of its own (no Linux) that says to the host's 9p server what its initial file system, a text, tells it to, and what the server answers
 * to the console. Then the machine ends. What a Linux would never ask for can be asked with it: tests/bats/71-hostile-guest.bats.
 *
 * A line is a message of 9P2000.L (diod's protocol.md; net/9p/protocol.c of Linux), its name and then its fields:
 *
 *	Twalk 0 1 etc passwd
 *	Tlcreate 1 %2e%2e%2fx 01 0644 0
 *
 * Numbers are as in C, -1 has all bits set. In strings %XX is a byte; "" is empty; rep:N:TEXT is TEXT N times. Before the name there may be
 *
 *	tag=N    another tag than the line's number
 *	size=N   another length than the message has
 *	room=N   a smaller place for the answer than there is (ROOM)
 *	queue    the message is put into the queue, and sent with the next one that does not say so
 *	lost     nobody is surprised when there is no answer: it is not waited for as long
 *	until    again and again while the answer is an error: for what appears later
 *
 * "Raw TYPE FIELD..." is a message of any type, of fields 1:NUMBER, 2:, 4:, 8: (bytes) and s:STRING, b:BYTES. "reset" begins anew with the device.
 *
 * Each line comes back with " => " and its answer, as the function named in messages[] or answer() writes it. It is entered by PVH (Linux's
 * Documentation/virt/kvm/..., Xen's docs/misc/pvh.pandoc): 32 bits, no paging, %ebx has the start info. The device is virtio-mmio's first version
 * (virtio 1.2, 4.2.4 "Legacy interface"), at the addresses at which QEMU's microvm has them.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ROOM = 16384, PENDING_MAX = 8, QUEUE_MAX = 128, PAGE = 4096 };
enum { DEVICES = 0xfeb00000, DEVICE_SIZE = 512, N_DEVICES = 24, DEVICE_9P = 9, COM1 = 0x3f8 };
enum {
	AT_MAGIC = 0x00, AT_VERSION = 0x04, AT_DEVICE = 0x08, AT_FEATURES = 0x20, AT_FEATURES_SELECT = 0x24, AT_PAGE_SIZE = 0x28, AT_QUEUE_SELECT = 0x30,
	AT_QUEUE_MAX = 0x34, AT_QUEUE_SIZE = 0x38, AT_QUEUE_ALIGN = 0x3c, AT_QUEUE_PAGE = 0x40, AT_NOTIFY = 0x50, AT_STATUS = 0x70,
};
#define CYCLES UINT64_C(1000000000) /* a third of a second or so */
enum { PATIENCE = 60, PATIENCE_LOST = 1 }; /* such units */

/* Entry ----------------------------------------------------------------------------------------------------------------- */

__asm__(".pushsection .note.Xen, \"a\", @note\n"
	".long 4, 4, 18, 0x006e6558, entry\n" /* "Xen", XEN_ELFNOTE_PHYS32_ENTRY */
	".popsection\n"
	".globl entry\n"
	"entry:\n"
	"	cld\n"
	"	mov $stack + 65536, %esp\n"
	"	push %ebx\n"
	"	call kernel\n"
	"	lidt nothing\n" /* a fault that nobody can handle: the machine resets */
	"	int3\n"
	"nothing: .quad 0\n");

uint8_t stack[65536] __attribute__((aligned(16)));

/* The compiler calls these, too; volatile, for it takes such a loop for a call of them. */
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);

void *memcpy(void *to, const void *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((volatile uint8_t *)to)[i] = ((const uint8_t *)from)[i];
	return to;
}

void *memset(void *to, int c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((volatile uint8_t *)to)[i] = (uint8_t)c;
	return to;
}

/* Console --------------------------------------------------------------------------------------------------------------- */

static void outb(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t inb(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static void put(char c)
{
	while (!(inb(COM1 + 5) & 0x20))
		;
	outb(COM1, (uint8_t)c);
}

static void say(const char *s)
{
	while (*s)
		put(*s++);
}

static void say_number(uint32_t n, uint32_t base)
{
	if (n >= base)
		say_number(n / base, base);
	put("0123456789abcdef"[n % base]);
}

/* " NAME N" */
static void say_field(const char *name, uint32_t n, uint32_t base)
{
	say(name);
	say_number(n, base);
}

static void say_bytes(const uint8_t *s, size_t n)
{
	for (size_t i = 0; i < n && i < 1000; i++)
		if (s[i] > ' ' && s[i] < 0x7f && s[i] != '%') {
			put((char)s[i]);
		} else {
			put('%');
			put("0123456789abcdef"[s[i] >> 4]);
			put("0123456789abcdef"[s[i] & 15]);
		}
}

/* Text: what is left of a line ------------------------------------------------------------------------------------------- */

struct text {
	const char *p, *end;
};

static struct text next_until(struct text *t, char stop)
{
	struct text found = { t->p, t->p };

	while (found.end < t->end && *found.end != stop)
		found.end++;
	t->p = found.end < t->end ? found.end + 1 : t->end;
	return found;
}

/* The rest of t when it begins with word. */
static bool skip(struct text *t, const char *word)
{
	const char *p = t->p;

	for (; *word; word++, p++)
		if (p == t->end || *p != *word)
			return false;
	t->p = p;
	return true;
}

static bool is(struct text t, const char *word)
{
	return skip(&t, word) && t.p == t.end;
}

static unsigned digit(char c)
{
	return c >= '0' && c <= '9' ? (unsigned)(c - '0') : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16;
}

static uint64_t number(struct text t)
{
	bool minus = skip(&t, "-");
	uint64_t n = 0;
	unsigned base = skip(&t, "0x") ? 16 : skip(&t, "0") ? 8 : 10;

	for (; t.p < t.end && digit(*t.p) < base; t.p++)
		n = n * base + digit(*t.p);
	return minus ? -n : n;
}

/* Messages -------------------------------------------------------------------------------------------------------------- */

struct message {
	uint8_t request[ROOM], reply[ROOM];
	uint32_t size, room, replied;
	struct text line;
	bool answered, lost, until;
};

static struct message pending[PENDING_MAX];
static unsigned n_pending;

static void add(struct message *m, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes && m->size < ROOM; i++)
		m->request[m->size++] = (uint8_t)(value >> (8 * i));
}

static void add_bytes(struct message *m, struct text t)
{
	if (is(t, "\"\""))
		return;
	if (skip(&t, "rep:")) {
		for (uint64_t n = number(next_until(&t, ':')); n > 0; n--)
			add_bytes(m, t);
		return;
	}
	for (; t.p < t.end; t.p++) {
		bool escaped = *t.p == '%' && t.end - t.p > 2;

		add(m, escaped ? digit(t.p[1]) * 16 + digit(t.p[2]) : (uint8_t)*t.p, 1);
		t.p += escaped ? 2 : 0;
	}
}

/* Bytes with their count before them, in so many bytes. */
static void add_counted(struct message *m, struct text t, unsigned bytes)
{
	uint32_t at = m->size;

	add(m, 0, bytes);
	add_bytes(m, t);
	for (unsigned i = 0; i < bytes; i++)
		m->request[at + i] = (uint8_t)((m->size - at - bytes) >> (8 * i));
}

static void add_names(struct message *m, struct text *line)
{
	uint32_t at = m->size;

	add(m, 0, 2);
	for (uint32_t n = 1; line->p < line->end; n++) {
		add_counted(m, next_until(line, ' '), 2);
		m->request[at] = (uint8_t)n;
		m->request[at + 1] = (uint8_t)(n >> 8);
	}
}

/* Fields by letters: 1 2 4 8, bytes of a number; s, a string; w, names to walk; d, data with its length; r, fields that say themselves what they are. */
static void add_fields(struct message *m, const char *fields, struct text *line)
{
	for (; *fields; fields++) {
		if (*fields == 'w') {
			add_names(m, line);
		} else if (*fields == 'r') {
			while (line->p < line->end) {
				struct text t = next_until(line, ' ');
				char kind[2] = { *next_until(&t, ':').p, '\0' };

				if (kind[0] == 'b')
					add_bytes(m, t);
				else
					add_fields(m, kind, &t);
			}
		} else {
			struct text t = next_until(line, ' ');

			if (*fields == 's' || *fields == 'd')
				add_counted(m, t, *fields == 's' ? 2 : 4);
			else
				add(m, number(t), (unsigned)(*fields - '0'));
		}
	}
}

/* Answers --------------------------------------------------------------------------------------------------------------- */

static uint32_t get(const uint8_t *p, unsigned bytes)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < bytes; i++)
		n |= (uint32_t)p[i] << (8 * i);
	return n;
}

/* What it says it holds, but no more than there is. */
static uint32_t length(const uint8_t *p, unsigned bytes)
{
	uint32_t n = get(p, bytes);

	return n < ROOM / 2 ? n : ROOM / 2;
}

static void say_version(const uint8_t *p)
{
	say_field("msize ", get(p, 4), 10);
	put(' ');
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
		put(' ');
		say_bytes(p + 24, length(p + 22, 2));
	}
}

static const struct {
	const char *name;
	uint8_t type;
	const char *fields;
	void (*say)(const uint8_t *reply); /* the answer that is no error; NULL: "done" is said */
} messages[] = {
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
enum { N_MESSAGES = sizeof(messages) / sizeof(messages[0]), RLERROR = 7 };

static void answer(const struct message *m)
{
	const uint8_t *body = m->reply + 7;
	uint8_t type = m->reply[4];

	if (!m->answered) {
		say("no answer");
		return;
	}
	if (m->replied < 7) { /* what was flushed */
		say("empty");
		return;
	}
	if (type == RLERROR) {
		say_field("error ", get(body, 4), 10);
		return;
	}
	for (unsigned i = 0; i < N_MESSAGES; i++)
		if (messages[i].type + 1 == type && messages[i].say) {
			messages[i].say(body);
			return;
		}
	if (type == m->request[4] + 1)
		say("done");
	else
		say_field("message ", type, 10);
}

/* The device ------------------------------------------------------------------------------------------------------------ */

struct descriptor {
	uint64_t address;
	uint32_t size;
	uint16_t flags, next;
};
enum { NEXT = 1, WRITE = 2 };

static struct {
	struct descriptor descriptors[QUEUE_MAX];
	uint16_t flags, index, ring[QUEUE_MAX];
	struct {
		uint16_t flags, index;
		struct {
			uint32_t id, size;
		} ring[QUEUE_MAX];
	} used __attribute__((aligned(PAGE)));
} queue __attribute__((aligned(PAGE)));

static volatile uint32_t *device;
static uint16_t queue_size, seen;

static void barrier(void)
{
	__asm__ volatile("lock addl $0, (%%esp)" : : : "memory");
}

static uint64_t cycles(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

static void set(uint32_t where, uint32_t value)
{
	device[where / 4] = value;
}

static bool find_device(void)
{
	for (uint32_t i = 0; i < N_DEVICES; i++) {
		device = (volatile uint32_t *)(DEVICES + i * DEVICE_SIZE);
		if (device[AT_MAGIC / 4] == 0x74726976 && device[AT_VERSION / 4] == 1 && device[AT_DEVICE / 4] == DEVICE_9P)
			return true;
	}
	return false;
}

/* Acknowledge, driver, driver is ready. */
static void start_device(void)
{
	set(AT_STATUS, 0);
	memset(&queue, 0, sizeof(queue));
	seen = 0;
	set(AT_STATUS, 1 | 2);
	set(AT_FEATURES_SELECT, 0);
	set(AT_FEATURES, 0);
	set(AT_PAGE_SIZE, PAGE);
	set(AT_QUEUE_SELECT, 0);
	queue_size = (uint16_t)device[AT_QUEUE_MAX / 4];
	if (queue_size > QUEUE_MAX)
		queue_size = QUEUE_MAX;
	set(AT_QUEUE_SIZE, queue_size);
	set(AT_QUEUE_ALIGN, PAGE);
	set(AT_QUEUE_PAGE, (uint32_t)&queue / PAGE);
	set(AT_STATUS, 1 | 2 | 4);
}

static void offer(unsigned i)
{
	struct message *m = &pending[i];

	queue.descriptors[2 * i] = (struct descriptor){ (uint32_t)m->request, m->size, NEXT, (uint16_t)(2 * i + 1) };
	queue.descriptors[2 * i + 1] = (struct descriptor){ (uint32_t)m->reply, m->room, WRITE, 0 };
	queue.ring[queue.index % queue_size] = (uint16_t)(2 * i);
	barrier();
	queue.index++;
}

/* The used ring lies where the available one ends, rounded up to a page: with queue_size of QUEUE_MAX that is our struct's. */
static unsigned collect(void)
{
	unsigned n = 0;

	barrier();
	for (; seen != *(volatile uint16_t *)&queue.used.index; seen++, n++) {
		struct message *m = &pending[queue.used.ring[seen % queue_size].id / 2 % PENDING_MAX];

		m->answered = true;
		m->replied = queue.used.ring[seen % queue_size].size;
	}
	return n;
}

static void exchange(void)
{
	uint64_t begin = cycles(), limit = PATIENCE * CYCLES;
	unsigned answers = 0;

	for (unsigned i = 0; i < n_pending; i++)
		if (pending[i].lost)
			limit = PATIENCE_LOST * CYCLES;
	do {
		answers = 0;
		for (unsigned i = 0; i < n_pending; i++)
			offer(i);
		set(AT_NOTIFY, 0);
		while (answers < n_pending && cycles() - begin < limit)
			answers += collect();
	} while (pending[0].until && pending[0].reply[4] == RLERROR && cycles() - begin < limit);
	for (unsigned i = 0; i < n_pending; i++) {
		for (const char *p = pending[i].line.p; p < pending[i].line.end; p++)
			put(*p);
		say(" => ");
		answer(&pending[i]);
		put('\n');
	}
	n_pending = 0;
}

/* The text -------------------------------------------------------------------------------------------------------------- */

/* What may be before the name; whether there was any. */
static bool option(struct message *m, struct text *line, bool *ret_queued, uint32_t *ret_size)
{
	if (skip(line, "tag="))
		m->request[5] = (uint8_t)number(next_until(line, ' '));
	else if (skip(line, "size="))
		*ret_size = (uint32_t)number(next_until(line, ' '));
	else if (skip(line, "room="))
		m->room = (uint32_t)number(next_until(line, ' '));
	else if (skip(line, "queue "))
		*ret_queued = true;
	else if (skip(line, "lost "))
		m->lost = true;
	else if (skip(line, "until "))
		m->until = true;
	else
		return false;
	return true;
}

static void send(struct text line, uint16_t tag)
{
	struct message *m = &pending[n_pending];
	uint32_t size = 0;
	bool queued = false;
	struct text name;

	m->line = line;
	m->size = 7;
	m->room = ROOM;
	m->answered = m->lost = m->until = false;
	m->request[5] = (uint8_t)tag;
	m->request[6] = 0;
	while (option(m, &line, &queued, &size))
		;
	name = next_until(&line, ' ');
	for (unsigned i = 0; i < N_MESSAGES; i++)
		if (is(name, messages[i].name)) {
			m->request[4] = messages[i].type ? messages[i].type : (uint8_t)number(next_until(&line, ' '));
			add_fields(m, messages[i].fields, &line);
		}
	size = size ? size : m->size;
	for (unsigned i = 0; i < 4; i++)
		m->request[i] = (uint8_t)(size >> (8 * i));
	n_pending++;
	if (!queued || n_pending == PENDING_MAX)
		exchange();
}

struct start_info {
	uint32_t magic, version, flags, n_modules;
	uint64_t modules;
};

struct start_module {
	uint64_t address, size, command_line, reserved;
};

void kernel(const struct start_info *info);

void kernel(const struct start_info *info)
{
	const struct start_module *script = (const struct start_module *)(uint32_t)info->modules;
	struct text all, line;

	if (!info->n_modules || !find_device()) {
		say(info->n_modules ? "guest-9p: no 9p device\n" : "guest-9p: no initial file system\n");
		return;
	}
	all.p = (const char *)(uint32_t)script->address;
	all.end = all.p + (uint32_t)script->size;
	start_device();
	say("guest-9p: begin\n");
	for (uint16_t tag = 0; all.p < all.end; tag = (tag + 1) % 200) {
		line = next_until(&all, '\n');
		if (is(line, "reset"))
			start_device();
		else if (line.p < line.end)
			send(line, tag);
	}
	say("guest-9p: end\n");
}
