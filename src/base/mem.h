/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_BASE_MEM_H
#define HV_BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/macros.h"

/*
 * Allocators that abort when memory is out: a short-lived CLI has nothing better to do, and in the guest an
 * abort of the agent is a clean death of the VM that the host sees. What they return is freed with free().
 */
void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xreallocarray(void *p, size_t n, size_t size);
char *xstrdup(const char *s); /* NULL gives NULL */
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) _printf_(1, 2);
char *xvasprintf(const char *fmt, va_list ap) _printf_(1, 0);
void *xmemdup(const void *p, size_t n);

static inline void freep(void *p)
{
	free(*(void **)p);
}
#define _cleanup_free_ _cleanup_(freep)

/* A NULL-terminated vector of owned strings. */
void strv_free(char **v);
static inline void strv_freep(char ***v)
{
	strv_free(*v);
}
#define _cleanup_strv_ _cleanup_(strv_freep)

#endif
