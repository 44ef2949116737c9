/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_BASE_OPTIONS_H
#define HV_BASE_OPTIONS_H

#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

/* What an option writes into its struct, at its offset. */
enum option_type {
	OPTION_BOOL,         /* bool; no value, or =true / =false */
	OPTION_STRING,       /* const char *: borrowed from argv */
	OPTION_LIST,         /* char **: may be repeated; a vector for strv_free() */
	OPTION_U32,          /* uint32_t */
	OPTION_CHOICE,       /* int: index in choices */
	OPTION_IGNORED_BOOL, /* accepted for old callers, without effect and without a place */
	OPTION_IGNORED_STRING,
};

struct option_def {
	const char *name; /* long name; NULL ends a table */
	char letter;      /* short name or 0 */
	enum option_type type;
	size_t offset;
	const char *value;          /* what the help text calls the value */
	const char *help;           /* NULL: not listed */
	const char *const *choices; /* OPTION_CHOICE: NULL-terminated */
};

enum { OPTIONS_HELP = 1 };

/*
 * Reads options from argv (without the program's or verb's name, NULL-terminated) into *opts, up to "--" or
 * the first argument that is not an option; *ret_rest points there. "--name value", "--name=value", the same
 * with one dash, "-x value", "-xvalue",
 * "-x=value" and bundles of letters. -h and --help are always known: OPTIONS_HELP. Errors are worded as
 * runc's.
 */
int options_parse(const struct option_def *defs, void *opts, char **argv, char ***ret_rest,
		  struct error *err);

/*
 * The same, but options may also stand after plain arguments, up to "--" if there is one, as runc and crun take
 * them. Moves plain arguments behind the options, where *ret_rest points: argv means the same after that.
 */
int options_parse_mixed(const struct option_def *defs, void *opts, char **argv, char ***ret_rest,
			struct error *err);

/* Frees what they allocated. */
void options_done(const struct option_def *defs, void *opts);

/* One line per listed option, at most 80 columns where the texts allow it. */
void options_help(const struct option_def *defs, struct buf *out);

#endif
