/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_TESTS_INIT_H
#define HV_TESTS_INIT_H

/*
 * The process of the test containers: one static program, so that a root file system is this file. Every applet prints
 * lines of "subject: value", so that a test can run many in one container (applet "all") and look at each with grep.
 */

struct applet {
	const char *name;
	int (*run)(char **args); /* args: NULL-terminated, without the name; returns the exit status */
	const char *help;
};

/* One table per subject, ended by an entry without a name. */
extern const struct applet process_applets[];
extern const struct applet signal_applets[];
extern const struct applet file_applets[];
extern const struct applet system_applets[];
extern const struct applet stream_applets[];

/* Prints "subject: ok" when r >= 0, else "subject: ENAME" from errno. Returns 0: a test judges the line. */
int report(const char *subject, const char *object, long r);

/* Copies the lines of /proc/self/status that start with one of prefixes (NULL-terminated), as "Name: value". */
int print_status_lines(const char *const *prefixes);

/* Writes all of buf, across short writes. Returns 0 or -1 with errno. */
int write_all(int fd, const void *buf, unsigned long len);

/* The number of a signal's name without SIG, or of a decimal number; -1 when it is neither. */
int signal_number(const char *name);

#endif
