/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A hostile guest: a kernel of its own (no Linux) that asks the server of the host's files what its initial file system, a text, tells it to, and writes the
 * answers to the console. Then the machine ends. What a Linux would never ask for can be asked with it: tests/bats/71-hostile-guest.bats.
 *
 * A line is a request by its name (guest-9p.c, guest-fuse.c), and its fields:
 *
 *	Twalk 0 1 etc passwd
 *	Tlcreate 1 %2e%2e%2fx 01 0644 0
 *
 * Numbers are as in C, -1 has all bits set, @N is what was kept in slot N. In strings %XX is a byte; "" is empty; rep:N:TEXT is TEXT N times. Before the
 * name there may be
 *
 *	tag=N    another number than the line's
 *	size=N   another length than the message has
 *	room=N   a smaller place for the answer than there is (ROOM)
 *	keep=N   slot N, not 0, keeps the number that the answer begins with
 *	queue    the message is put into the queue, and sent with the next one that does not say so
 *	lost     nobody is surprised when there is no answer: it is not waited for as long
 *	until    again and again while the answer is an error: for what appears later
 *
 * "Raw TYPE FIELD..." is a message of any type, of fields 1:NUMBER, 2:, 4:, 8: (bytes) and s:STRING, z:STRING, b:BYTES. "reset" begins anew with the device.
 *
 * Each line comes back with " => " and its answer, as the function of its row writes it. The kernel is entered by PVH (Xen's docs/misc/pvh.pandoc): 32 bits, no
 * paging, %ebx has the start info. The device is virtio-mmio's, first or second version (virtio 1.2, 4.2), at the addresses at which QEMU's microvm has them.
 */
#include "guest.h"

enum { PENDING_MAX = 8, QUEUE_MAX = 128, PAGE = 4096 };
enum { DEVICES = 0xfeb00000, DEVICE_SIZE = 512, N_DEVICES = 24, COM1 = 0x3f8 };
enum {
	AT_MAGIC = 0x00, AT_VERSION = 0x04, AT_DEVICE = 0x08, AT_FEATURES = 0x20, AT_FEATURES_SELECT = 0x24, AT_QUEUE_SELECT = 0x30, AT_QUEUE_MAX = 0x34,
	AT_QUEUE_SIZE = 0x38, AT_NOTIFY = 0x50, AT_STATUS = 0x70,
	AT_PAGE_SIZE = 0x28, AT_QUEUE_ALIGN = 0x3c, AT_QUEUE_PAGE = 0x40, /* of the first version */
	AT_QUEUE_READY = 0x44, AT_DESCRIPTORS = 0x80, AT_AVAILABLE = 0x90, AT_USED = 0xa0, /* of the second */
};
enum { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8, VERSION_1 = 1 /* bit 32 */ };
#define CYCLES UINT64_C(1000000000) /* a third of a second or so */
enum { PATIENCE = 60, PATIENCE_LOST = 1 }; /* such units */

uint64_t slots[SLOTS];

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

void say(const char *s)
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
void say_field(const char *name, uint32_t n, uint32_t base)
{
	say(name);
	say_number(n, base);
}

void say_bytes(const uint8_t *s, size_t n)
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

struct text next_until(struct text *t, char stop)
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

uint64_t number(struct text t)
{
	bool minus = skip(&t, "-"), kept = skip(&t, "@");
	uint64_t n = 0;
	unsigned base = skip(&t, "0x") ? 16 : skip(&t, "0") ? 8 : 10;

	for (; t.p < t.end && digit(*t.p) < base; t.p++)
		n = n * base + digit(*t.p);
	return kept ? slots[n % SLOTS] : minus ? -n : n;
}

/* Requests -------------------------------------------------------------------------------------------------------------- */

static const struct protocol *protocol;
static struct message pending[PENDING_MAX];
static unsigned n_pending;

void add(struct message *m, uint64_t value, unsigned bytes)
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

static void add_field(struct message *m, char kind, struct text t)
{
	if (kind == 's' || kind == 'd')
		add_counted(m, t, kind == 's' ? 2 : 4);
	else if (kind == 'z' || kind == 'b')
		add_bytes(m, t);
	else
		add(m, number(t), (unsigned)(kind - '0'));
	if (kind == 'z')
		add(m, 0, 1);
}

/*
 * Fields by letters: 1 2 4 8, bytes of a number; s, a string with its length, z, one that ends with 0, b, bytes; w, names to walk; d, data with its length; r,
 * fields that say themselves what they are.
 */
static void add_fields(struct message *m, const char *fields, struct text *line)
{
	for (; *fields; fields++) {
		if (*fields == 'w')
			add_names(m, line);
		else if (*fields != 'r')
			add_field(m, *fields, next_until(line, ' '));
		while (*fields == 'r' && line->p < line->end) {
			struct text t = next_until(line, ' ');
			char kind = *next_until(&t, ':').p;

			add_field(m, kind, t);
		}
	}
}

/* Answers --------------------------------------------------------------------------------------------------------------- */

uint32_t get(const uint8_t *p, unsigned bytes)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < bytes; i++)
		n |= (uint32_t)p[i] << (8 * i);
	return n;
}

/* What it says it holds, but no more than there is. */
uint32_t length(const uint8_t *p, unsigned bytes)
{
	uint32_t n = get(p, bytes);

	return n < ROOM / 2 ? n : ROOM / 2;
}

static void answer(const struct message *m)
{
	uint32_t error;
	uint8_t type;

	if (!m->answered || m->replied < protocol->header) { /* what was flushed has an empty one */
		say(m->answered ? "empty" : "no answer");
		return;
	}
	if (protocol->failed(m, &error)) {
		say_field("error ", error, 10);
		return;
	}
	type = protocol->type_of(m);
	for (size_t i = 0; i < protocol->n_requests; i++)
		if (protocol->requests[i].type == type && protocol->requests[i].say) {
			protocol->requests[i].say(m->reply + protocol->header);
			return;
		}
	if (type == m->request[4])
		say("done");
	else
		say_field("message ", m->reply[4], 10);
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
		if (device[AT_MAGIC / 4] != 0x74726976)
			continue;
		protocol = device[AT_DEVICE / 4] == protocol_9p.device ? &protocol_9p : &protocol_fuse;
		if (device[AT_DEVICE / 4] == protocol->device)
			return true;
	}
	return false;
}

static void set_address(uint32_t where, const void *p)
{
	set(where, (uint32_t)p);
	set(where + 4, 0);
}

static void start_queue(uint32_t version)
{
	queue_size = (uint16_t)device[AT_QUEUE_MAX / 4];
	if (queue_size > QUEUE_MAX)
		queue_size = QUEUE_MAX;
	set(AT_QUEUE_SIZE, queue_size);
	if (version == 1) {
		set(AT_QUEUE_ALIGN, PAGE);
		set(AT_QUEUE_PAGE, (uint32_t)&queue / PAGE);
		return;
	}
	set_address(AT_DESCRIPTORS, queue.descriptors);
	set_address(AT_AVAILABLE, &queue.flags);
	set_address(AT_USED, &queue.used);
	set(AT_QUEUE_READY, 1);
}

/* In the order of virtio 1.2, 3.1.1. */
static void start_device(void)
{
	uint32_t version = device[AT_VERSION / 4], status = ACKNOWLEDGE | DRIVER;

	set(AT_STATUS, 0);
	memset(&queue, 0, sizeof(queue));
	seen = 0;
	set(AT_STATUS, status);
	set(AT_FEATURES_SELECT, 0);
	set(AT_FEATURES, 0);
	if (version == 1) {
		set(AT_PAGE_SIZE, PAGE);
	} else {
		set(AT_FEATURES_SELECT, 1);
		set(AT_FEATURES, VERSION_1);
		status |= FEATURES_OK;
		set(AT_STATUS, status);
	}
	set(AT_QUEUE_SELECT, protocol->queue);
	start_queue(version);
	set(AT_STATUS, status | DRIVER_OK);
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
	uint32_t error;

	for (unsigned i = 0; i < n_pending; i++)
		if (pending[i].lost)
			limit = PATIENCE_LOST * CYCLES;
	do {
		answers = 0;
		for (unsigned i = 0; i < n_pending; i++)
			offer(i);
		set(AT_NOTIFY, protocol->queue);
		while (answers < n_pending && cycles() - begin < limit)
			answers += collect();
	} while (pending[0].until && protocol->failed(&pending[0], &error) && cycles() - begin < limit);
	for (unsigned i = 0; i < n_pending; i++) {
		for (const char *p = pending[i].line.p; p < pending[i].line.end; p++)
			put(*p);
		say(" => ");
		answer(&pending[i]);
		put('\n');
		if (pending[i].keep && pending[i].answered)
			memcpy(&slots[pending[i].keep % SLOTS], pending[i].reply + protocol->header, sizeof(slots[0]));
	}
	n_pending = 0;
}

/* The text -------------------------------------------------------------------------------------------------------------- */

struct options {
	uint16_t tag;
	uint32_t size;
	bool queued;
};

/* What may be before the name; whether there was any. */
static bool option(struct message *m, struct text *line, struct options *o)
{
	if (skip(line, "tag="))
		o->tag = (uint16_t)number(next_until(line, ' '));
	else if (skip(line, "size="))
		o->size = (uint32_t)number(next_until(line, ' '));
	else if (skip(line, "room="))
		m->room = (uint32_t)number(next_until(line, ' '));
	else if (skip(line, "keep="))
		m->keep = (unsigned)number(next_until(line, ' '));
	else if (skip(line, "queue "))
		o->queued = true;
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
	struct options o = { .tag = tag };
	struct text name;

	m->line = line;
	m->size = m->keep = 0;
	m->room = ROOM;
	m->answered = m->lost = m->until = false;
	while (option(m, &line, &o))
		;
	name = next_until(&line, ' ');
	for (size_t i = 0; i < protocol->n_requests; i++) {
		const struct request *r = &protocol->requests[i];

		if (!is(name, r->name))
			continue;
		protocol->begin(m, r->type ? r->type : (uint8_t)number(next_until(&line, ' ')), o.tag, &line);
		add_fields(m, r->fields, &line);
	}
	if (!m->size) {
		say("guest: no such request\n");
		return;
	}
	for (unsigned i = 0; i < 4; i++)
		m->request[i] = (uint8_t)((o.size ? o.size : m->size) >> (8 * i));
	n_pending++;
	if (!o.queued || n_pending == PENDING_MAX)
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
		say(info->n_modules ? "guest: no device of a share\n" : "guest: no initial file system\n");
		return;
	}
	all.p = (const char *)(uint32_t)script->address;
	all.end = all.p + (uint32_t)script->size;
	start_device();
	say("guest: begin\n");
	for (uint16_t tag = 0; all.p < all.end; tag = (tag + 1) % 200) {
		line = next_until(&all, '\n');
		if (is(line, "reset"))
			start_device();
		else if (line.p < line.end)
			send(line, tag);
	}
	say("guest: end\n");
}
