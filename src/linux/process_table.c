/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The processes of a container as "ps -ef" shows them, without ps(1): a guest has none. All of it comes from
 * /proc/PID/stat, status and cmdline; what a process calls itself is not trusted to be printable.
 */
#include "linux/process_table.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"

enum {
	PROC_TEXT_MAX = 4 << 20, /* of /proc/stat and of a command line */
	COMMAND_MAX = 4096,      /* bytes shown of a command line */
	FIELD_MAX = 24,
	/* proc_pid_stat(5), counted from 1 */
	FIELD_PPID = 4,
	FIELD_TTY = 7,
	FIELD_UTIME = 14,
	FIELD_STIME = 15,
	FIELD_START = 22,
};

/* The numbers behind the name, which may hold anything, parentheses included; negative ones count as 0. */
static void scan_fields(const char *text, uint64_t fields[FIELD_MAX])
{
	const char *p = strrchr(text, ')');

	for (int i = 3; p && i < FIELD_MAX; i++) {
		p = strchr(p, ' ');
		if (!p)
			return;
		p++;
		if (!num_scan_u64(p, &fields[i]))
			fields[i] = 0;
	}
}

/* tty_nr, as the kernel's huge_encode_dev() packs it: bits 31-20 and 7-0 are the minor, 19-8 the major number. */
static char *tty_name(uint64_t tty)
{
	unsigned major = (unsigned)(tty >> 8) & 0xfff, minor = (unsigned)((tty & 0xff) | ((tty >> 12) & 0xfff00));

	if (major >= 136 && major <= 143)
		return xasprintf("pts/%u", (major - 136) * 256 + minor);
	if (major == 4)
		return minor < 64 ? xasprintf("tty%u", minor) : xasprintf("ttyS%u", minor - 64);
	return xstrdup("?");
}

/* How many bytes the UTF-8 character at p has, or 0 when it is none (RFC 3629, section 4). */
static size_t utf8_length(const unsigned char *p)
{
	static const struct {
		unsigned char from, to, second_from, second_to;
		size_t length;
	} ranges[] = {
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	if (*p < 0x80)
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		size_t n = 2;

		if (*p < ranges[i].from || *p > ranges[i].to)
			continue;
		if (p[1] < ranges[i].second_from || p[1] > ranges[i].second_to)
			return 0;
		while (n < ranges[i].length && (p[n] & 0xc0) == 0x80)
			n++;
		return n == ranges[i].length ? n : 0;
	}
	return 0;
}

/* What is no character or a control character becomes "?": any process may call itself anything. */
static char *make_printable(char *text)
{
	unsigned char *p = (unsigned char *)text;

	while (*p) {
		size_t n = utf8_length(p);

		if (n == 0 || *p < ' ' || *p == 0x7f)
			*p = '?';
		else if (*p == 0xc2 && p[1] < 0xa0) /* C1 */
			p[0] = p[1] = '?';
		p += n > 0 ? n : 1;
	}
	return text;
}

/* The arguments with blanks between them; a kernel thread or a zombie has none, then "[name]". */
static char *read_command(int dirfd, const char *stat_text)
{
	const char *open = strchr(stat_text, '('), *close = strrchr(stat_text, ')');
	_cleanup_free_ char *text = NULL;
	size_t len = 0;

	if (file_read_at(dirfd, "cmdline", PROC_TEXT_MAX, &text, &len) == 0 && len > 0) {
		len = len > COMMAND_MAX ? COMMAND_MAX : len;
		for (size_t i = 0; i < len; i++)
			if (text[i] == '\0')
				text[i] = ' ';
		while (len > 0 && text[len - 1] == ' ')
			len--;
		text[len] = '\0';
		return TAKE_PTR(text);
	}
	return open && close > open ? xasprintf("[%.*s]", (int)(close - open - 1), open + 1) : xstrdup("[?]");
}

/* What all rows are reckoned with. */
struct clock {
	uint64_t ticks; /* per second */
	uint64_t boot;  /* seconds since the epoch */
	int64_t now;
};

static int read_clock(struct clock *c, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	const char *line;
	int r = file_read_at(AT_FDCWD, "/proc/stat", PROC_TEXT_MAX, &text, NULL);

	if (r < 0)
		return error_errnum(err, r, "read /proc/stat");
	line = strstr(text, "\nbtime ");
	if (!line || !num_scan_u64(line + strlen("\nbtime "), &c->boot))
		return error_set(err, EINVAL, "/proc/stat: no line \"btime\"");
	c->ticks = (uint64_t)sysconf(_SC_CLK_TCK);
	c->now = (int64_t)time(NULL);
	return 0;
}

/* The directory's owner would do but for processes that are not dumpable (proc(5)). */
static uid_t read_uid(int dirfd)
{
	_cleanup_free_ char *text = NULL;
	uint64_t real, effective;
	const char *p;

	if (file_read_at(dirfd, "status", PROC_TEXT_MAX, &text, NULL) < 0)
		return 0;
	p = strstr(text, "\nUid:\t");
	p = p ? num_scan_u64(p + strlen("\nUid:\t"), &real) : NULL;
	return p && *p == '\t' && num_scan_u64(p + 1, &effective) ? (uid_t)effective : 0;
}

static bool read_row(pid_t pid, const struct clock *clock, struct process_row *row)
{
	_cleanup_free_ char *dir = xasprintf("/proc/%d", (int)pid), *text = NULL;
	int dirfd = file_open_dir(AT_FDCWD, dir);
	uint64_t f[FIELD_MAX] = { 0 }, life;
	bool ok;

	if (dirfd < 0)
		return false;
	ok = file_read_at(dirfd, "stat", PROC_TEXT_MAX, &text, NULL) == 0;
	if (ok) {
		scan_fields(text, f);
		*row = (struct process_row){ .pid = pid, .ppid = (pid_t)f[FIELD_PPID], .uid = read_uid(dirfd) };
		row->tty = tty_name(f[FIELD_TTY]);
		row->command = make_printable(read_command(dirfd, text));
		row->started = (int64_t)(clock->boot + f[FIELD_START] / clock->ticks);
		row->time = (f[FIELD_UTIME] + f[FIELD_STIME]) / clock->ticks;
		life = clock->now > row->started ? (uint64_t)(clock->now - row->started) : 0;
		row->cpu = life ? (unsigned)MIN(row->time * 100 / life, (uint64_t)99) : 0;
	}
	close(dirfd);
	return ok;
}

static int compare(const void *a, const void *b)
{
	pid_t x = ((const struct process_row *)a)->pid, y = ((const struct process_row *)b)->pid;

	return (x > y) - (x < y);
}

int process_rows_read(const pid_t *pids, size_t n, struct process_row **ret, size_t *ret_n, struct error *err)
{
	struct process_row *rows;
	struct clock clock;
	size_t n_rows = 0;
	int r = read_clock(&clock, err);

	if (r < 0)
		return r;
	rows = xcalloc(n + 1, sizeof(*rows));
	for (size_t i = 0; i < n; i++)
		n_rows += read_row(pids[i], &clock, &rows[n_rows]);
	qsort(rows, n_rows, sizeof(*rows), compare);
	*ret = rows;
	*ret_n = n_rows;
	return 0;
}

void process_row_make_printable(struct process_row *row)
{
	make_printable(row->tty);
	make_printable(row->command);
}

void process_row_shorten(struct process_row *row, size_t max)
{
	size_t len = strlen(row->command);

	if (len <= max)
		return;
	while (max > 0 && ((unsigned char)row->command[max] & 0xc0) == 0x80)
		max--;
	row->command[max] = '\0';
}

void process_rows_free(struct process_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(rows[i].tty);
		free(rows[i].command);
	}
	free(rows);
}

/* ps(1), STIME: the hour within a day, the date within a year, else the year. */
static void format_start(int64_t started, int64_t now, char *text, size_t size)
{
	time_t t = (time_t)started;
	struct tm tm;

	localtime_r(&t, &tm);
	strftime(text, size, now - started < 24 * 60 * 60 ? "%H:%M" : now - started < 365 * 24 * 60 * 60 ? "%b%d" : "%Y",
		 &tm);
}

static void append_printable(struct buf *out, const char *text)
{
	for (; *text; text++)
		buf_append(out, (unsigned char)*text < ' ' || *text == '\177' ? "?" : text, 1);
}

void process_rows_print(const struct process_row *rows, size_t n, int64_t now, char *(*user_name)(void *data, uid_t uid),
			void *data, struct buf *out)
{
	buf_printf(out, "%-8s %7s %7s %2s %5s %-8s %8s %s\n", "UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD");
	for (size_t i = 0; i < n; i++) {
		const struct process_row *r = &rows[i];
		_cleanup_free_ char *user = user_name(data, r->uid);
		char start[16];

		format_start(r->started, now, start, sizeof(start));
		append_printable(out, user);
		buf_printf(out, "%*s %7d %7d %2u %5s ", (int)(strlen(user) < 8 ? 8 - strlen(user) : 0), "", (int)r->pid,
			   (int)r->ppid, r->cpu, start);
		append_printable(out, r->tty);
		buf_printf(out, "%*s %02" PRIu64 ":%02" PRIu64 ":%02" PRIu64 " ",
			   (int)(strlen(r->tty) < 8 ? 8 - strlen(r->tty) : 0), "", r->time / 3600, r->time / 60 % 60,
			   r->time % 60);
		append_printable(out, r->command);
		buf_append_str(out, "\n");
	}
}
