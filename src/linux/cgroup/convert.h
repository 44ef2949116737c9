/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_CGROUP_CONVERT_H
#define HV_LINUX_CGROUP_CONVERT_H

#include <stdint.h>

/*
 * cpu.shares (2 .. 262144, default 1024) as cpu.weight (1 .. 10000, default 100), so that the ends and the
 * defaults meet: 10^((log2(x)^2 + 125 log2(x)) / 612 - 7/34), the curve that runc and crun use too. Out of
 * range counts as the end.
 */
uint64_t cgroup_shares_to_weight(uint64_t shares);

/* blkio.weight (10 .. 1000) as io.weight (1 .. 10000), linear. Out of range counts as the end. */
uint64_t cgroup_blkio_to_io_weight(uint64_t weight);

#endif
