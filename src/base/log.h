/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_BASE_LOG_H
#define HV_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

/*
 * Where messages go: until log_open() succeeds, and without a target, to stderr as text at level warning.
 * target: NULL (stderr), a file's path with or without "file:", appended to and created 0600, "journald:ID" or "syslog:ID". Nothing is written to stderr below an
 * error when a file is given. Returns 0, or < 0 with *err.
 */
int log_open(const char *target, enum log_format format, enum log_level level, struct error *err);

/*
 * Goes on where another process logs: takes fd. What a worker does with what log_fd() and log_format() said
 * to its parent.
 */
void log_attach(int fd, enum log_format format, enum log_level level);
enum log_format log_format(void);

/*
 * One message, one line (JSON: keys level, msg, time; RFC 3339 with nanoseconds). Does nothing above the
 * chosen level.
 */
void log_message(enum log_level level, const char *fmt, ...) _printf_(2, 3);

/*
 * The error that ends a verb. In JSON it has three keys more: "code" (error_name()), "errno" (the number) and, unless it is NULL, "path",
 * the field of the configuration that it is about, of path_len bytes.
 */
void log_failure(const struct error *e, const char *path, size_t path_len);

/* Whether a message of this level would be written: guards work done for a debug line alone. */
bool log_enabled(enum log_level level);

/* The log's fd for a child that keeps logging there, or 2. */
int log_fd(void);

#define log_error(...) log_message(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_message(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_message(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_message(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
