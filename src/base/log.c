/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One line per message, written with one write(2) to an O_APPEND file, so that the runtime, its children and
 * a shim that reads along never see half a line. Text lines look like logrus's, JSON ones hold the three keys
 * that containerd, conmon and CRI-O decode.
 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/calendar.h"
#include "base/fd.h"
#include "base/log-target.h"
#include "base/mem.h"
#include "base/str.h"

static struct {
	int fd;
	enum log_format format;
	enum log_level level;
	struct log_target target; /* id NULL: fd is a file */
} sink = { STDERR_FILENO, LOG_FORMAT_TEXT, LOG_LEVEL_WARNING, { .fd = -1 } };

int log_open(const char *target, enum log_format format, enum log_level level, struct error *err)
{
	int r = target ? log_target_open(target, &sink.target, err) : 0;

	if (r < 0)
		return r;
	if (target && r == 0) {
		const char *path = str_skip_prefix(target, "file:");
		int fd = open(path ? path : target, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);

		if (fd < 0)
			return error_errno(err, "--log: open %s", target);
		if (sink.fd != STDERR_FILENO)
			fd_close(sink.fd);
		sink.fd = fd;
	}
	sink.format = format;
	sink.level = level;
	return 0;
}

void log_attach(int fd, enum log_format format, enum log_level level)
{
	if (sink.fd != STDERR_FILENO)
		fd_close(sink.fd);
	sink.fd = fd;
	sink.format = format;
	sink.level = level;
}

enum log_format log_format(void)
{
	return sink.format;
}

bool log_enabled(enum log_level level)
{
	return level <= sink.level;
}

int log_fd(void)
{
	return sink.fd;
}

static void append_time(struct buf *b)
{
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	calendar_utc(now.tv_sec, &tm);
	buf_printf(b, "\"%04d-%02d-%02dT%02d:%02d:%02d.%09ldZ\"", tm.tm_year + 1900, tm.tm_mon + 1,
		   tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, now.tv_nsec);
}

/* extra: JSON members that begin with a comma, or NULL. */
static void write_line(enum log_level level, const char *text, const char *extra)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };
	_cleanup_buf_ struct buf line = { 0 };

	if (sink.target.id) {
		log_target_format(&sink.target, level, text, &line);
		(void)!send(sink.target.fd, line.data, line.len, MSG_NOSIGNAL | MSG_DONTWAIT);
		return;
	}
	if (sink.format == LOG_FORMAT_JSON) {
		buf_printf(&line, "{\"level\":\"%s\",\"msg\":", names[level]);
		buf_append_json(&line, text);
		buf_append_str(&line, ",\"time\":");
		append_time(&line);
		buf_printf(&line, "%s}\n", extra ? extra : "");
	} else {
		buf_append_str(&line, "time=");
		append_time(&line);
		buf_printf(&line, " level=%s msg=", names[level]);
		buf_append_json(&line, text);
		buf_append_str(&line, "\n");
	}
	fd_write_all(sink.fd, line.data, line.len);
}

void log_message(enum log_level level, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	if (!log_enabled(level))
		return;
	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	write_line(level, text, NULL);
}

void log_failure(const struct error *e, const char *path, size_t path_len)
{
	_cleanup_free_ char *field = path ? xstrndup(path, path_len) : NULL;
	_cleanup_buf_ struct buf extra = { 0 };
	char name[16];

	buf_printf(&extra, ",\"code\":\"%s\",\"errno\":%d", error_name(e->code, name), e->code);
	if (field) {
		buf_append_str(&extra, ",\"path\":");
		buf_append_json(&extra, field);
	}
	write_line(LOG_LEVEL_ERROR, e->msg, extra.data);
}
