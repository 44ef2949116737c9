/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs cases/<object>/<case>.json, each read as the struct of that object. Beside it stands either
 * <case>.err, the exact message that it must be refused with, or nothing: then it must be accepted, and be
 * written again exactly as <case>.out or, when there is no such file, as <case>.json itself. What was written
 * must also survive a second round, on one line.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ocispec/field.h>
#include <ocispec/types.h>

static int n_tests, n_failed;

static void result(const char *name, const char *problem)
{
	printf("%sok %d - %s%s%s\n", problem ? "not " : "", ++n_tests, name, problem ? "\n# " : "",
	       problem ? problem : "");
	n_failed += problem != NULL;
}

/* The file's contents, NULL when it cannot be opened; free()d by the caller. */
static char *slurp(const char *path, size_t *ret_len)
{
	FILE *f = fopen(path, "re");
	if (!f)
		return NULL;
	char *data = calloc(1, 1 << 20);
	size_t len = data ? fread(data, 1, (1 << 20) - 1, f) : 0;
	(void)fclose(f);
	if (ret_len)
		*ret_len = len;
	return data;
}

static char *with_suffix(const char *path, const char *suffix)
{
	char *s = NULL;
	if (asprintf(&s, "%.*s%s", (int)(strlen(path) - strlen(".json")), path, suffix) < 0)
		abort();
	return s;
}

static const char *check_refused(const struct oci_error *err, int r, const char *expected)
{
	static char text[2400];
	if (r == 0)
		return "was accepted";
	size_t n = strcspn(expected, "\n");
	if (strlen(err->msg) == n && strncmp(err->msg, expected, n) == 0 && err->code == -r && r < 0)
		return NULL;
	(void)snprintf(text, sizeof(text), "said: %s", err->msg);
	return text;
}

static const char *check_written(const struct oci_type *type, struct oci_doc *doc, const char *expected)
{
	static char *pretty, *line, *again;
	struct oci_doc *second = NULL;
	free(pretty);
	free(line);
	free(again);
	pretty = line = again = NULL;
	bool ok = oci_write(type, oci_doc_root(doc), "\t", &pretty, NULL, NULL) == 0;
	size_t n = ok ? strlen(pretty) : 0;
	if (!ok || strncmp(pretty, expected, n) != 0 || strcmp(expected + n, "\n") != 0)
		return ok ? pretty : "was not written";
	ok = oci_write(type, oci_doc_root(doc), NULL, &line, NULL, NULL) == 0 &&
	     oci_parse(type, line, strlen(line), NULL, &second, NULL) == 0 &&
	     oci_write(type, oci_doc_root(second), "\t", &again, NULL, NULL) == 0 &&
	     strcmp(pretty, again) == 0;
	oci_doc_free(second);
	return ok ? NULL : "is different after a second round";
}

static void run_case(const struct oci_type *type, const char *path)
{
	char *err_path = with_suffix(path, ".err"), *out_path = with_suffix(path, ".out");
	size_t len = 0;
	char *json = slurp(path, &len), *expected_err = slurp(err_path, NULL),
	     *expected = slurp(out_path, NULL);
	struct oci_doc *doc = NULL;
	struct oci_error err = { 0 };
	int r = oci_parse(type, json, len, NULL, &doc, &err);
	const char *problem = NULL;
	if (expected_err)
		problem = check_refused(&err, r, expected_err);
	else
		problem = r < 0 ? err.msg : check_written(type, doc, expected ? expected : json);
	result(strstr(path, "cases/") + strlen("cases/"), problem);
	oci_doc_free(doc);
	free(err_path);
	free(out_path);
	free(json);
	free(expected_err);
	free(expected);
}

static int is_json(const struct dirent *d)
{
	size_t n = strlen(d->d_name);
	return n > 5 && strcmp(d->d_name + n - 5, ".json") == 0;
}

static void run_type(const struct oci_type *type, const char *cases)
{
	char *dir = NULL;
	if (asprintf(&dir, "%s/%s", cases, type->name) < 0)
		abort();
	for (char *c = dir + strlen(cases); *c != '\0'; c++)
		*c = *c == '_' ? '-' : *c;
	struct dirent **files = NULL;
	int n = scandir(dir, &files, is_json, alphasort);
	if (n < 4)
		result(dir, "has too few cases for this object");
	for (int i = 0; i < n; i++) {
		char *path = NULL;
		if (asprintf(&path, "%s/%s", dir, files[i]->d_name) < 0)
			abort();
		run_case(type, path);
		free(path);
		free(files[i]);
	}
	free(files);
	free(dir);
}

int main(void)
{
	const char *srcdir = getenv("srcdir");
	char *cases = NULL;
	if (asprintf(&cases, "%s/tests/cases", srcdir ? srcdir : ".") < 0)
		return 1;
	for (const struct oci_type *const *t = oci_types; *t; t++)
		run_type(*t, cases);
	printf("1..%d\n", n_tests);
	free(cases);
	return n_failed > 0;
}
