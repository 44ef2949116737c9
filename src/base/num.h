/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_BASE_NUM_H
#define HV_BASE_NUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The only place that turns text into numbers. All of them are strict: the whole string, digits only (and one
 * leading "-" where a type is signed), no spaces, no "+", no base prefix. They return 0, -EINVAL (not a
 * number) or -ERANGE (does not fit), and leave *ret alone unless they return 0.
 */
int num_parse_u64(const char *s, uint64_t *ret);
int num_parse_i64(const char *s, int64_t *ret);
int num_parse_u32(const char *s, uint32_t *ret);
int num_parse_int(const char *s, int min, int max, int *ret);

/* Octal, as in chmod(1): "0755" or "755", at most 07777. */
int num_parse_mode(const char *s, mode_t *ret);

/*
 * A count of bytes: digits, then nothing, "b", or one of k, m, g, t, p (powers of 1024, any case) with an
 * optional "b" or "ib".
 */
int num_parse_size(const char *s, uint64_t *ret);

/* Like num_parse_size(), and "-1" for no limit. */
int num_parse_limit(const char *s, int64_t *ret);

/*
 * "UID" or "UID:GID". 4294967295 is -ERANGE: setresuid(2) would take it for "leave as it is". *ret_has_gid
 * tells if a gid was there.
 */
int num_parse_user(const char *s, uid_t *ret_uid, bool *ret_has_gid, gid_t *ret_gid);

/*
 * For lines of /proc and cgroup files: reads the decimal number that starts at s and returns the first byte
 * after it, or NULL when there is none or it does not fit.
 */
const char *num_scan_u64(const char *s, uint64_t *ret);

/* The same for hexadecimal digits, either case, no prefix ("/proc/PID/status" masks). */
const char *num_scan_hex(const char *s, uint64_t *ret);

#endif
