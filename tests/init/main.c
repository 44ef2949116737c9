/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Entry of the test containers' program: finds the applet by its first argument, or by the name that it was called as,
 * and runs it. "all" runs several, separated by commas, in one process: one container start then serves many checks.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "init.h"

static int run_all(char **args);

static const struct applet main_applets[] = {
	{ "all", run_all, "APPLET [ARG...] [, APPLET [ARG...]]...: several, one after the other" },
	{ 0 },
};

static const struct applet *const tables[] = {
	main_applets, process_applets, signal_applets, file_applets, system_applets, stream_applets,
};

#define N_TABLES (sizeof(tables) / sizeof(tables[0]))

static const struct applet *applet_find(const char *name)
{
	for (size_t i = 0; i < N_TABLES; i++)
		for (const struct applet *a = tables[i]; a->name; a++)
			if (strcmp(a->name, name) == 0)
				return a;
	return NULL;
}

static int help(void)
{
	for (size_t i = 0; i < N_TABLES; i++)
		for (const struct applet *a = tables[i]; a->name; a++)
			printf("%-12s %s\n", a->name, a->help);
	return 2;
}

static int run_one(char **args)
{
	const struct applet *a = args[0] ? applet_find(args[0]) : NULL;
	int r;

	if (!a)
		return help();
	r = a->run(args + 1);
	fflush(stdout);
	return r;
}

/* The exit status is the first one that is not 0. */
static int run_all(char **args)
{
	int status = 0;

	while (*args) {
		char **end = args;
		int last;
		int r;

		while (*end && strcmp(*end, ",") != 0)
			end++;
		last = !*end;
		*end = NULL;
		r = run_one(args);
		if (status == 0)
			status = r;
		args = last ? end : end + 1;
	}
	return status;
}

int report(const char *subject, const char *object, long r)
{
	printf("%s%s%s: %s\n", subject, *object ? " " : "", object, r >= 0 ? "ok" : strerrorname_np(errno));
	return 0;
}

int write_all(int fd, const void *buf, unsigned long len)
{
	const char *p = buf;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		len -= (unsigned long)n;
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *called_as = strrchr(argv[0], '/');

	called_as = called_as ? called_as + 1 : argv[0];
	if (argc > 0 && applet_find(called_as))
		argv[0] = (char *)called_as;
	else
		argv++;
	return run_one(argv);
}
