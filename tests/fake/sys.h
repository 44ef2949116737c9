/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_TESTS_FAKE_SYS_H
#define HV_TESTS_FAKE_SYS_H

/*
 * A kernel that only takes notes: linked instead of src/linux/sys.c. Each call is a line of the log, "name
 * argument ...", and succeeds with 0 (or a real fd of /dev/null where an fd is the result), but the one that
 * was chosen to fail.
 */

/* Forgets the log. fail_at: the call, counted from 1, that fails with -error; 0 = none. */
void fake_reset(unsigned fail_at, int error);

/* How many calls there were. */
unsigned fake_calls(void);

/* The lines so far, joined by newlines; valid until the next call. */
const char *fake_log(void);

/* The last line. */
const char *fake_last(void);

#endif
