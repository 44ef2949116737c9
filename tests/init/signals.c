/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Processes that wait, take signals, die of them or multiply: the container's side of kill, of exit codes and of the
 * pids and memory limits. As PID 1 of a namespace a process gets only signals that it handles (pid_namespaces(7)), so
 * signal-wait handles all of them by sigwaitinfo(2).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"

int signal_number(const char *name)
{
	if (name[0] >= '0' && name[0] <= '9')
		return atoi(name);
	for (int sig = 1; sig < NSIG; sig++)
		if (sigabbrev_np(sig) && strcmp(sigabbrev_np(sig), name) == 0)
			return sig;
	return -1;
}

static int run_signal_wait(char **args)
{
	int want = args[0] ? atoi(args[0]) : 1;
	sigset_t all;

	sigfillset(&all);
	sigdelset(&all, SIGCHLD);
	sigdelset(&all, SIGURG); /* Go's runtime sends it to itself, and older runcs pass it on */
	sigprocmask(SIG_BLOCK, &all, NULL);
	puts("ready: signal-wait");
	fflush(stdout);
	while (want-- > 0) {
		int sig;

		do
			sig = sigwaitinfo(&all, NULL);
		while (sig < 0 && errno == EINTR);
		if (sigabbrev_np(sig))
			printf("signal: %s\n", sigabbrev_np(sig));
		else
			printf("signal: %d\n", sig);
		fflush(stdout);
	}
	return 0;
}

static int run_pause(char **args)
{
	(void)args;
	puts("ready: pause");
	fflush(stdout);
	for (;;)
		pause();
	return 0;
}

static int run_raise(char **args)
{
	int sig = signal_number(args[0] ? args[0] : "TERM");

	signal(sig, SIG_DFL);
	raise(sig);
	return 0;
}

static int run_sleep(char **args)
{
	sleep((unsigned)atoi(args[0] ? args[0] : "1"));
	return 0;
}

/* Makes up to N children that wait, says how many could be made, and ends them. */
static int run_fork(char **args)
{
	int want = atoi(args[0] ? args[0] : "1");
	pid_t *pids = calloc((size_t)want + 1, sizeof(*pids));
	int error = 0;
	int made;

	if (!pids)
		return 1;
	for (made = 0; made < want; made++) {
		pids[made] = fork();
		if (pids[made] == 0)
			for (;;)
				pause();
		if (pids[made] < 0) {
			error = errno;
			break;
		}
	}
	printf("forked: %d %s\n", made, error ? strerrorname_np(error) : "ok");
	for (int i = 0; i < made; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	free(pids);
	return 0;
}

/* A child in the background that outlives its parent, and which delete has to find. */
static int run_spawn(char **args)
{
	pid_t pid;

	(void)args;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		setsid();
		for (;;)
			pause();
	}
	return report("spawn", "", pid);
}

/* Touches N MiB: more than the memory limit ends in SIGKILL. In a child, so that the parent tells. */
static int run_memory(char **args)
{
	size_t len = (size_t)atoi(args[0] ? args[0] : "1") << 20;
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			_exit(1);
		for (size_t i = 0; i < len; i += 4096)
			*(volatile char *)(p + i) = 1;
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return report("memory", "", -1);
	if (WIFSIGNALED(status))
		printf("memory: killed by %s\n", sigabbrev_np(WTERMSIG(status)));
	else
		printf("memory: exit %d\n", WEXITSTATUS(status));
	return 0;
}

const struct applet signal_applets[] = {
	{ "signal-wait", run_signal_wait, "[N]: says ready, prints N signals (1) as they come and exits" },
	{ "pause", run_pause, "says ready and waits for ever" },
	{ "raise", run_raise, "SIGNAL: sends it to itself" },
	{ "sleep", run_sleep, "N: waits N seconds" },
	{ "fork", run_fork, "N: how many of N children can be made" },
	{ "spawn", run_spawn, "leaves a child in the background" },
	{ "memory", run_memory, "N: whether N MiB can be used" },
	{ 0 },
};
