/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The frequency of the host's time stamp counter, which no file tells. Two readings of counter and clock 2 ms
 * apart, each the tightest of several tries so that an interrupt in between does not count: agrees with the
 * kernel's own figure to a few ppm.
 */
#include <stdint.h>
#include <time.h>

#include "hyperv/vmm/vmm.h"

#if defined(__x86_64__)
#include <x86intrin.h>

enum { TRIES = 16, BASELINE_NS = 2000000 };

struct reading {
	uint64_t tsc, ns;
};

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static struct reading read_both(void)
{
	struct reading best = {0};
	uint64_t tightest = UINT64_MAX;

	for (int i = 0; i < TRIES; i++) {
		uint64_t before = __rdtsc(), ns = clock_ns(), width = __rdtsc() - before;

		if (width < tightest) {
			tightest = width;
			best = (struct reading){.tsc = before + width / 2, .ns = ns};
		}
	}
	return best;
}

unsigned vmm_tsc_khz(void)
{
	struct reading first = read_both(), last;

	do
		last = read_both();
	while (last.ns - first.ns < BASELINE_NS);
	return (unsigned)((last.tsc - first.tsc) * 1000000 / (last.ns - first.ns));
}
#else
unsigned vmm_tsc_khz(void)
{
	return 0;
}
#endif
