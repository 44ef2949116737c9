/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_RUNTIME_TERMINAL_H
#define HV_RUNTIME_TERMINAL_H

#include <stdbool.h>
#include <sys/types.h>
#include <termios.h>

#include "base/error.h"
#include "base/macros.h"

/*
 * Checks that what the process wants (tty) fits how it is run (detach) and the console socket given, and
 * connects to that. *ret is -1 when there is none.
 */
int terminal_connect(bool tty, bool detach, const char *console_socket, int *ret, struct error *err);

/*
 * A process in the foreground of ours: it gets our signals, with a terminal also our input and the size of
 * our window, and we end as it does. From begin on no signal interrupts us; done gives everything back, the
 * terminal's mode first.
 */
struct foreground {
	int signal_fd;
	int console[2]; /* ours and the one for the runtime type; -1 without a terminal */
	int master;
	bool raw; /* saved is what our terminal had */
	struct termios saved;
};

/* The size of our terminal's window; false when standard input is none. */
bool terminal_size(unsigned short *ret_rows, unsigned short *ret_columns);

int foreground_begin(struct foreground *f, bool tty, bool subreaper, struct error *err);

/*
 * After create or exec: takes the pty's master and puts our terminal into raw mode. Nothing without a
 * terminal.
 */
int foreground_attach(struct foreground *f, struct error *err);

/* Relays until pid, a child of ours, has exited. *ret_status: exit status, 128 + n for signal n. */
int foreground_wait(struct foreground *f, pid_t pid, int *ret_status, struct error *err);

void foreground_done(struct foreground *f);
#define FOREGROUND_NONE                                                                                      \
	{                                                                                                    \
		.signal_fd = -1, .console = { -1, -1 }, .master = -1                                         \
	}
#define _cleanup_foreground_ _cleanup_(foreground_done)

#endif
