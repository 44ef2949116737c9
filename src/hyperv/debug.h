/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_HYPERV_DEBUG_H
#define HV_HYPERV_DEBUG_H

#include <stdint.h>

#include "base/error.h"

struct settings_hyperv;

/*
 * Opens the first program of hyperv.debug_shell that runs on a guest of that architecture (Go's name of it), for reading: static, for there is nothing in a guest
 * that it could be linked to. Returns the fd and *ret_size in bytes, or < 0 with *err: EPERM when the configuration file has no such key, else
 * naming the entry that cannot be used and why, or what all of them are for.
 */
int debug_open_program(const struct settings_hyperv *s, const char *architecture, uint64_t *ret_size, struct error *err);

#endif
