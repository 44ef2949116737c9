/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_PROCESS_TABLE_H
#define HV_LINUX_PROCESS_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

/* A line of "ps -ef", ps(1). */
struct process_row {
	pid_t pid, ppid;
	uid_t uid;       /* effective */
	unsigned cpu;    /* percent of one processor over its life, at most 99 */
	int64_t started; /* seconds since the epoch */
	uint64_t time;   /* seconds of processor time */
	char *tty;       /* "pts/0"; "?" without one */
	char *command;   /* its arguments, or its name in brackets */
};

/*
 * Reads /proc for these pids (proc_pid_stat(5), proc_pid_cmdline(5)), sorted by pid. One that has gone is left
 * out; what is not printable in its texts is "?". *ret: process_rows_free(). < 0: /proc cannot be read at all.
 */
int process_rows_read(const pid_t *pids, size_t n, struct process_row **ret, size_t *ret_n, struct error *err);
/* The same for a row that somebody else has read: what is not printable is "?". */
void process_row_make_printable(struct process_row *row);

/* Cuts the command down to max bytes, between characters. */
void process_row_shorten(struct process_row *row, size_t max);

void process_rows_free(struct process_row *rows, size_t n);

/*
 * The table with its title line as procps-ng prints it. now: seconds since the epoch. user_name turns a uid into what the
 * first column says (free()d here). Control characters in texts become "?": they come from containers and guests.
 */
void process_rows_print(const struct process_row *rows, size_t n, int64_t now, char *(*user_name)(void *data, uid_t uid),
			void *data, struct buf *out);

#endif
