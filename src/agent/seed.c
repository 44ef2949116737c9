/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The first message of every life of a guest. Two guests that come from one image have the same random
 * numbers, the same time and the same name until this is done; so no other message is accepted before, and
 * nothing of the container has run.
 */
#include "agent/seed.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "schema/types.h"

#ifndef RNDRESEEDCRNG
#define RNDRESEEDCRNG _IO('R', 0x07)
#endif

enum { ENTROPY_BYTES = 64 };

struct entropy {
	int bits, size;
	unsigned char bytes[ENTROPY_BYTES];
};

static unsigned hex_digit(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a') + 10;
}

static int add_entropy(const char *hex, struct error *err)
{
	_cleanup_fd_ int fd = open("/dev/random", O_WRONLY | O_CLOEXEC);
	struct entropy e = { .bits = ENTROPY_BYTES * 8, .size = ENTROPY_BYTES };
	int r = 0;

	if (strlen(hex) != 2 * ENTROPY_BYTES)
		return error_set(err, EINVAL, "SEED: entropy has %zu digits instead of %d", strlen(hex),
				 2 * ENTROPY_BYTES);
	if (fd < 0)
		return error_errno(err, "open of /dev/random");
	for (int i = 0; i < ENTROPY_BYTES; i++) /* the schema has checked that they are digits */
		e.bytes[i] = (unsigned char)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
	if (ioctl(fd, RNDADDENTROPY, &e) < 0)
		r = error_errno(err, "/dev/random: RNDADDENTROPY");
	else if (ioctl(fd, RNDRESEEDCRNG) < 0)
		r = error_errno(err, "/dev/random: RNDRESEEDCRNG");
	explicit_bzero(&e, sizeof(e));
	return r;
}

int seed_apply(const struct hv_agent_seed *seed, struct error *err)
{
	struct timespec now = { .tv_sec = (time_t)seed->seconds, .tv_nsec = (long)seed->nanoseconds };
	int r = add_entropy(seed->entropy, err);

	if (r < 0)
		return r;
	if (clock_settime(CLOCK_REALTIME, &now) < 0)
		return error_errno(err, "clock_settime");
	if (seed->hostname && sethostname(seed->hostname, strlen(seed->hostname)) < 0)
		return error_errno(err, "sethostname \"%s\"", seed->hostname);
	return 0;
}
