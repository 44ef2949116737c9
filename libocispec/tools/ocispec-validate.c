/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks documents of the OCI runtime specification: a line on stderr for each that is wrong, exit status 1
 * if any is. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ocispec/field.h>
#include <ocispec/types.h>

static const struct option options[] = {
	{ "type", required_argument, NULL, 't' },
	{ "unknown", no_argument, NULL, 'u' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static const char usage[] = "Usage: ocispec-validate [--type NAME] [--unknown] FILE...\n"
			    "\n"
			    "  -t, --type NAME   what the files are: config (the default), state, features,\n"
			    "                    process-state, or an object of these such as process\n"
			    "  -u, --unknown     name the members that the specification does not have\n"
			    "  -h, --help        show this text\n";

static const struct oci_type *find_type(const char *name)
{
	for (const struct oci_type *const *t = oci_types; *t; t++) {
		const char *a = (*t)->name, *b = name;
		while (*a != '\0' && (*a == *b || (*a == '_' && *b == '-')))
			a++, b++;
		if (*a == '\0' && *b == '\0')
			return *t;
	}
	return NULL;
}

static void print_unknown(void *arg, const char *field)
{
	(void)fprintf(stderr, "%s: %s: not in the specification\n", (const char *)arg, field);
}

static int validate(const struct oci_type *type, const char *file, int unknown)
{
	struct oci_parse_options opts = { .unknown = unknown ? print_unknown : NULL, .arg = (void *)file };
	struct oci_error err;
	struct oci_doc *doc = NULL;
	if (oci_parse_file(type, file, &opts, &doc, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	oci_doc_free(doc);
	return 0;
}

int main(int argc, char **argv)
{
	const char *name = "config";
	int unknown = 0, result = 0;
	for (int c; (c = getopt_long(argc, argv, "t:uh", options, NULL)) >= 0;) {
		if (c == 'h')
			return fputs(usage, stdout) < 0;
		if (c == '?')
			return 2;
		if (c == 't')
			name = optarg;
		else
			unknown = 1;
	}
	const struct oci_type *type = find_type(name);
	if (!type || optind == argc) {
		if (!type)
			(void)fprintf(stderr, "ocispec-validate: unknown type %s\n", name);
		(void)fputs(usage, stderr);
		return 2;
	}
	for (int i = optind; i < argc; i++)
		result |= validate(type, argv[i], unknown);
	return result;
}
