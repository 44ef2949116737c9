/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values that cgroup v2 counts on another scale than v1, whose scale runtime-spec uses (config-linux.md). */
#include "linux/cgroup/convert.h"

#include <math.h>

#include "base/macros.h"

uint64_t cgroup_shares_to_weight(uint64_t shares)
{
	double l, exponent;

	shares = MAX(shares, 2);
	shares = MIN(shares, 262144);
	l = log2((double)shares);
	exponent = (l * l + 125 * l) / 612 - 7.0 / 34;
	return (uint64_t)ceil(pow(10, exponent) -
			      1e-6); /* rounding must not lift the exact points: 2, 1024, 262144 */
}

uint64_t cgroup_blkio_to_io_weight(uint64_t weight)
{
	weight = MAX(weight, 10);
	weight = MIN(weight, 1000);
	return 1 + (weight - 10) * 9999 / 990;
}
