/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Moves data in a container and says how fast: "load write|read FILE MIB", "load send ADDRESS PORT MIB", "load receive PORT", all of it
 * in MiB/s on stdout. As the init of an otherwise empty machine it powers that off.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 1 << 17, CONNECT_TRIES = 100 };

static char block[BLOCK];

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int failed(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	return 1;
}

/* Moves n bytes, or to the end of what fd gives when n is 0. Returns how many, or -1. */
static long long move(int fd, int out, long long n)
{
	long long done = 0;

	while (n == 0 || done < n) {
		ssize_t r = out ? write(fd, block, BLOCK) : read(fd, block, BLOCK);

		if (r < 0)
			return -1;
		if (r == 0)
			break;
		done += r;
	}
	return done;
}

static int tell(long long n, double begin)
{
	printf("%.1f\n", (double)n / (1 << 20) / (now() - begin));
	return 0;
}

static int run_file(int out, const char *path, long long n)
{
	int fd = out ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : open(path, O_RDONLY | O_CLOEXEC);
	double begin = now();
	long long done = fd < 0 ? -1 : move(fd, out, out ? n : 0);

	if (done < 0 || (out && fsync(fd) < 0 && errno != EINVAL))
		return failed(path);
	return tell(done, begin);
}

static int run_send(const char *address, int port, long long n)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = -1, r = -1;
	long long done;
	double begin;
	char c;

	if (inet_pton(AF_INET, address, &to.sin_addr) != 1)
		return failed(address);
	for (int i = 0; r < 0 && i < CONNECT_TRIES; i++) {
		if (fd >= 0) {
			close(fd);
			nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
		}
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		r = connect(fd, (struct sockaddr *)&to, sizeof(to));
	}
	begin = now();
	done = r < 0 ? -1 : move(fd, 1, n);
	/* until the other end has it all, and says so by closing */
	if (done < 0 || shutdown(fd, SHUT_WR) < 0 || read(fd, &c, 1) < 0)
		return failed(address);
	return tell(done, begin);
}

static int run_receive(int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), conn;
	long long done;
	double begin;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    listen(fd, 1) < 0)
		return failed("listen");
	conn = accept(fd, NULL, NULL);
	begin = now();
	done = conn < 0 ? -1 : move(conn, 0, 0);
	return done < 0 ? failed("receive") : tell(done, begin);
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	if (getpid() == 1 && argc < 3)
		return reboot(RB_POWER_OFF);
	if (argc == 4 && (strcmp(verb, "write") == 0 || strcmp(verb, "read") == 0))
		return run_file(*verb == 'w', argv[2], atoll(argv[3]) << 20);
	if (argc == 5 && strcmp(verb, "send") == 0)
		return run_send(argv[2], atoi(argv[3]), atoll(argv[4]) << 20);
	if (argc == 3 && strcmp(verb, "receive") == 0)
		return run_receive(atoi(argv[2]));
	fputs("usage: load write|read FILE MIB | send ADDRESS PORT MIB | receive PORT\n", stderr);
	return 2;
}
