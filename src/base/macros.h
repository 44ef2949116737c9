/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_BASE_MACROS_H
#define HV_BASE_MACROS_H

#include <stddef.h>

/* Run f on the variable's address when it leaves scope. */
#define _cleanup_(f) __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))
#define _unused_ __attribute__((unused))
#define _noreturn_ __attribute__((noreturn))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* Move ownership out of a variable with a _cleanup_: its value is returned, the variable emptied. */
#define TAKE(var, empty)                                                                                     \
	({                                                                                                   \
		__typeof__(var) _v = (var);                                                                  \
		(var) = (empty);                                                                             \
		_v;                                                                                          \
	})
#define TAKE_PTR(p) TAKE(p, NULL)
#define TAKE_FD(fd) TAKE(fd, -1)

#endif
