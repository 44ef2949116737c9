/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_BASE_STR_H
#define HV_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>

/* Equal, or both NULL. */
bool str_eq(const char *a, const char *b);

/* The same without regard to the case of ASCII letters, whatever the locale. */
bool str_eq_nocase(const char *a, const char *b);

/* What follows prefix in s, or NULL when s does not start with it. */
const char *str_skip_prefix(const char *s, const char *prefix);

bool str_has_suffix(const char *s, const char *suffix);

/* NULL and "" are both empty. */
bool str_is_empty(const char *s);

/* The index of s in a table of n strings (NULL entries are skipped), or -1. */
int str_index(const char *const *table, size_t n, const char *s);

/*
 * The parts of s between the separators, empty ones included, as a vector for strv_free(); "" gives one empty
 * part.
 */
char **str_split(const char *s, char separator);

/* "a, b, c" of a NULL-terminated vector; the caller frees it. */
char *str_join(char *const *v, const char *separator);

/* Vectors of strings, NULL-terminated; NULL counts as empty. */
size_t strv_length(char *const *v);
bool strv_contains(char *const *v, const char *s);
void strv_append(char ***v, const char *s); /* a copy of s */

/* The value of "name=..." in an environment vector, or NULL. */
const char *strv_env_get(char *const *env, const char *name);

#endif
