/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Times whole commands: "spawn [-p PARALLEL] CYCLES CMD ARG... [-- CMD ARG...]". The commands make one cycle (create, start,
 * delete …), run one after the other; with -p each is run so many times at once. "{}" in an argument becomes a number that no other command
 * of the run has. Prints a line for each cycle: for each command wall time and CPU time in microseconds and the largest resident size in
 * KiB of the command's process, then the CPU time of the cycle with everything that came of it. A command that fails ends it all: the time
 * of a failure is none.
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

enum { COMMANDS_MAX = 8, ARGS_MAX = 64, PARALLEL_MAX = 256 };

struct command {
	char **args;
	int n_args;
};

static posix_spawn_file_actions_t actions;

static double now_usec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double cpu_usec(const struct rusage *u)
{
	return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1e6 + (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec);
}

static char *expand(const char *arg, int number)
{
	const char *mark = strstr(arg, "{}");
	char *s;

	if (!mark)
		return strdup(arg);
	return asprintf(&s, "%.*s%d%s", (int)(mark - arg), arg, number, mark + 2) < 0 ? NULL : s;
}

static pid_t start(const struct command *c, int number)
{
	char *args[ARGS_MAX + 1] = { 0 };
	pid_t pid;
	int r;

	for (int i = 0; i < c->n_args; i++)
		args[i] = expand(c->args[i], number);
	r = posix_spawnp(&pid, args[0], &actions, NULL, args, environ);
	if (r != 0)
		fprintf(stderr, "spawn: cannot execute %s: %s\n", args[0], strerror(r));
	for (int i = 0; i < c->n_args; i++)
		free(args[i]);
	return r == 0 ? pid : -1;
}

/* By name: orphans (a container's process outlives its create) come to us too, and are reaped between cycles. */
static int wait_for(pid_t pid, struct rusage *usage)
{
	int status;

	while (wait4(pid, &status, 0, usage) < 0)
		if (errno != EINTR)
			return -1;
	return status;
}

static int run(const struct command *c, int first, int parallel)
{
	double begin = now_usec(), end, cpu = 0;
	pid_t pids[PARALLEL_MAX];
	long rss = 0;
	int n, bad = 0;

	for (n = 0; n < parallel && !bad; n++) {
		pids[n] = start(c, first + n);
		bad = pids[n] < 0;
	}
	n -= bad;
	for (int i = 0; i < n; i++) {
		struct rusage usage;
		int status = wait_for(pids[i], &usage);

		if (status != 0)
			fprintf(stderr, "spawn: %s … %s: wait status 0x%x\n", c->args[0], c->args[c->n_args - 1], (unsigned)status);
		bad |= status != 0;
		cpu += cpu_usec(&usage);
		rss = usage.ru_maxrss > rss ? usage.ru_maxrss : rss;
	}
	end = now_usec();
	printf("%.0f %.0f %ld ", end - begin, cpu, rss);
	return bad ? -1 : 0;
}

static int run_cycle(const struct command *c, int n, int first, int parallel)
{
	struct rusage before, after;

	getrusage(RUSAGE_CHILDREN, &before);
	for (int k = 0; k < n; k++)
		if (run(&c[k], first, parallel) < 0)
			return -1;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	getrusage(RUSAGE_CHILDREN, &after);
	printf("%.0f\n", cpu_usec(&after) - cpu_usec(&before));
	return 0;
}

/* Splits the arguments at "--". Returns the number of commands. */
static int split(char **argv, struct command *c)
{
	int n = 0;

	for (; *argv && n < COMMANDS_MAX; n++) {
		c[n] = (struct command){ .args = argv };
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
	int parallel = 1, option, cycles, n;

	while ((option = getopt(argc, argv, "+p:")) != -1)
		parallel = option == 'p' ? atoi(optarg) : 0;
	cycles = optind < argc ? atoi(argv[optind]) : 0;
	n = cycles > 0 ? split(argv + optind + 1, commands) : 0;
	if (n == 0 || parallel < 1 || parallel > PARALLEL_MAX) {
		fputs("usage: spawn [-p PARALLEL] CYCLES COMMAND ARG... [-- COMMAND ARG...]\n", stderr);
		return 2;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	for (int i = 0; i < cycles; i++)
		if (run_cycle(commands, n, i * parallel, parallel) < 0)
			return 1;
	return 0;
}
