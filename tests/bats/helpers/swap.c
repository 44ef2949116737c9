/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One half of a race: exchanges two names as fast as it can (renameat2(2), RENAME_EXCHANGE), so that whoever looks a path
 * up twice finds two different things. The names are as they were when it ends, on SIGTERM or after SECONDS.
 *
 *	swap SECONDS A B
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t ended;

static void end(int sig)
{
	(void)sig;
	ended = 1;
}

int main(int argc, char **argv)
{
	const struct sigaction action = { .sa_handler = end };
	time_t limit;
	long n = 0;

	if (argc != 4) {
		fprintf(stderr, "usage: swap SECONDS A B\n");
		return 2;
	}
	limit = time(NULL) + atoi(argv[1]);
	sigaction(SIGTERM, &action, NULL);
	while (!ended && time(NULL) < limit) {
		struct timespec pause = { 0, (n * 7919) % 50000 };

		if (renameat2(AT_FDCWD, argv[2], AT_FDCWD, argv[3], RENAME_EXCHANGE) < 0) {
			perror("swap");
			return 1;
		}
		n++;
		nanosleep(&pause, NULL); /* at other moments each time */
	}
	if (n % 2 == 1 && renameat2(AT_FDCWD, argv[2], AT_FDCWD, argv[3], RENAME_EXCHANGE) < 0)
		return 1;
	printf("%ld\n", n);
	return 0;
}
