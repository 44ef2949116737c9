/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_SELFEXE_H
#define HV_LINUX_SELFEXE_H

#include <stdbool.h>

#include "base/error.h"

/*
 * Makes /proc/self/exe of this program something that nobody can write to: before it starts processes that a
 * container controls, which could otherwise reach the program's file on the host through /proc/PID/exe
 * (CVE-2019-5736). To be called first thing in main(): it may execute the program again, with the same
 * arguments, from a read-only detached mount of itself (a sealed copy in memory where it may not mount).
 * Returns 0 when protected, or < 0.
 */
int selfexe_protect(char *const *argv, struct error *err);

/* Whether the running image is protected: its mount is read-only, or it is a sealed memfd. */
bool selfexe_is_protected(void);

#endif
