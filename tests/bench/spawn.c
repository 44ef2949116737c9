/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Times whole commands: "spawn N CMD ARG... [-- CMD ARG...]". The commands make one cycle (create, start, delete …), run one after
 * the other; "{}" in an argument becomes the number of the cycle. Prints one line for each command and, when there are several, one for the cycle:
 * minimum, median and 90th percentile in microseconds, and the largest resident size of the command's process in KiB.
 * A command that fails ends it all: the time of a failure is none.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { COMMANDS_MAX = 8, ARGS_MAX = 64 };

struct command {
	char **args;
	int n_args;
	double *usec; /* one for each cycle */
	long max_rss;
};

static double now_usec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static char *expand(const char *arg, int cycle)
{
	const char *mark = strstr(arg, "{}");
	char *s;

	if (!mark)
		return strdup(arg);
	return asprintf(&s, "%.*s%d%s", (int)(mark - arg), arg, cycle, mark + 2) < 0 ? NULL : s;
}

/* Orphans (a container's process outlives its create) come to us: they are reaped between cycles. */
static int wait_for(pid_t pid, struct rusage *usage)
{
	int status;

	while (wait4(pid, &status, 0, usage) < 0)
		if (errno != EINTR)
			return -1;
	return status;
}

static int run(struct command *c, int cycle, posix_spawn_file_actions_t *actions)
{
	char *args[ARGS_MAX + 1] = { 0 };
	struct rusage usage;
	double start;
	int status;
	pid_t pid;

	for (int i = 0; i < c->n_args; i++)
		args[i] = expand(c->args[i], cycle);
	start = now_usec();
	if (posix_spawnp(&pid, args[0], actions, NULL, args, environ) != 0) {
		fprintf(stderr, "spawn: cannot execute %s\n", args[0]);
		return -1;
	}
	status = wait_for(pid, &usage);
	c->usec[cycle] = now_usec() - start;
	if (usage.ru_maxrss > c->max_rss)
		c->max_rss = usage.ru_maxrss;
	if (status != 0)
		fprintf(stderr, "spawn: %s … %s: wait status 0x%x\n", args[0], args[c->n_args - 1], (unsigned)status);
	for (int i = 0; i < c->n_args; i++)
		free(args[i]);
	return status == 0 ? 0 : -1;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void print(double *usec, int n, long max_rss)
{
	qsort(usec, (size_t)n, sizeof(*usec), compare);
	printf("%.0f %.0f %.0f %ld\n", usec[0], usec[n / 2], usec[n * 9 / 10], max_rss);
}

/* Splits the arguments at "--". Returns the number of commands. */
static int split(char **argv, struct command *c, int cycles)
{
	int n = 0;

	for (; *argv && n < COMMANDS_MAX; n++) {
		c[n] = (struct command){ .args = argv, .usec = calloc((size_t)cycles, sizeof(double)) };
		while (*argv && strcmp(*argv, "--") != 0 && c[n].n_args < ARGS_MAX) {
			c[n].n_args++;
			argv++;
		}
		if (*argv)
			argv++;
	}
	return n;
}

int main(int argc, char **argv)
{
	struct command commands[COMMANDS_MAX];
	posix_spawn_file_actions_t actions;
	int cycles = argc > 2 ? atoi(argv[1]) : 0;
	int n = cycles > 0 ? split(argv + 2, commands, cycles) : 0;
	double *sums = calloc((size_t)(cycles > 0 ? cycles : 1), sizeof(double));

	if (n == 0 || !sums) {
		fputs("usage: spawn CYCLES COMMAND ARG... [-- COMMAND ARG...]\n", stderr);
		return 2;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	for (int i = 0; i < cycles; i++) {
		for (int k = 0; k < n; k++) {
			if (run(&commands[k], i, &actions) < 0)
				return 1;
			sums[i] += commands[k].usec[i];
		}
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
	for (int k = 0; k < n; k++)
		print(commands[k].usec, cycles, commands[k].max_rss);
	if (n > 1)
		print(sums, cycles, 0);
	return 0;
}
