/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_AGENT_MODULES_H
#define HV_AGENT_MODULES_H

#include "base/error.h"

/*
 * Loads the kernel modules named in dir/order, one file name of dir a line, in that order
 * (contrib/guest/build-guest wrote it with every dependency before its user). A module that is there already
 * is fine; no such directory means a kernel that needs no modules. Returns 0 or < 0 with *err naming the
 * module.
 */
int modules_load(const char *dir, const char *list, struct error *err);

#endif
