/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where messages go besides a file: the journal (systemd.journal-fields(7), native protocol of
 * https://systemd.io/JOURNAL_NATIVE_PROTOCOL) and syslog (RFC 3164 as syslog(3) writes it). One datagram per message, written here,
 * for neither needs a library. A message that nobody takes is dropped: logging never fails a verb.
 */
#include "base/log-target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/str.h"

enum { FACILITY_DAEMON = 3 << 3 };

/* syslog(3) priorities of enum log_level */
static const int priorities[] = { 3, 4, 6, 7 };

static void append_journal(struct buf *b, const char *id, enum log_level level, const char *text)
{
	buf_printf(b, "PRIORITY=%d\nSYSLOG_FACILITY=%d\nSYSLOG_IDENTIFIER=%s\nSYSLOG_PID=%d\nMESSAGE=", priorities[level],
		   FACILITY_DAEMON >> 3, id, (int)getpid());
	/* a field's text must not begin another one */
	for (; *text; text++)
		buf_append(b, *text == '\n' ? " " : text, 1);
	buf_append_str(b, "\n");
}

static void append_syslog(struct buf *b, const char *id, enum log_level level, const char *text)
{
	time_t now = time(NULL);
	char stamp[32];
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%b %e %H:%M:%S", &tm);
	buf_printf(b, "<%d>%s %s[%d]: ", FACILITY_DAEMON | priorities[level], stamp, id, (int)getpid());
	buf_append_str(b, text);
}

static const struct {
	const char *prefix, *path;
	void (*append)(struct buf *b, const char *id, enum log_level level, const char *text);
} targets[] = {
	{ "journald:", "/run/systemd/journal/socket", append_journal },
	{ "syslog:", "/dev/log", append_syslog },
};

int log_target_open(const char *name, struct log_target *ret, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		const char *id = str_skip_prefix(name, targets[i].prefix);
		int fd;

		if (!id)
			continue;
		if (!*id || strpbrk(id, "\n "))
			return error_set(err, EINVAL, "--log: %s: an identifier must follow, without blanks", name);
		fd = fd_connect_path(targets[i].path, SOCK_DGRAM);
		if (fd < 0)
			return error_errnum(err, fd, "--log: %s: connect to %s", name, targets[i].path);
		*ret = (struct log_target){ .fd = fd, .kind = (int)i, .id = id };
		return 1;
	}
	return 0;
}

void log_target_format(const struct log_target *t, enum log_level level, const char *text, struct buf *out)
{
	targets[t->kind].append(out, t->id, level, text);
}
