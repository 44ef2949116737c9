/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_BASE_LOG_TARGET_H
#define HV_BASE_LOG_TARGET_H

#include "base/error.h"
#include "base/log.h"

struct buf;

/* A log that is a socket: each message is one datagram. Private to log.c. */
struct log_target {
	int fd;
	int kind;	/* row of the table in log-target.c */
	const char *id; /* who speaks; borrowed from name */
};

/*
 * "journald:ID", "syslog:ID". Returns 1 with *ret; 0 when name is neither, so it is a file's; < 0 with *err when it is one that
 * cannot be reached.
 */
int log_target_open(const char *name, struct log_target *ret, struct error *err);

/* The datagram for one message. Pure, but for the time and the pid. */
void log_target_format(const struct log_target *t, enum log_level level, const char *text, struct buf *out);

#endif
