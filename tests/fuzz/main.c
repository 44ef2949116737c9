/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Without libFuzzer: runs a fuzz target, fuzz_<name>, once on each file of tests/fuzz/corpus/<name>, as TAP.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *dir, const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, name), *data = NULL;
	uint8_t *exact;
	size_t n;

	if (file_read_at(AT_FDCWD, path, 1 << 20, &data, &n) < 0)
		return -1;
	exact = xmemdup(data, n); /* so that a sanitizer sees each byte read too many */
	LLVMFuzzerTestOneInput(exact, n);
	free(exact);
	return 0;
}

int main(int argc, char **argv)
{
	const char *name = argc > 0 ? strstr(argv[0], "fuzz_") : NULL, *top = getenv("top_srcdir");
	_cleanup_free_ char *dir =
		xasprintf("%s/tests/fuzz/corpus/%s", top ? top : ".", name ? name + strlen("fuzz_") : "");
	struct dirent **files;
	int n = scandir(dir, &files, NULL, alphasort), count = 0, failed = n <= 2;

	for (int i = 0; i < n; i++) {
		if (files[i]->d_name[0] != '.') {
			int r = run_file(dir, files[i]->d_name);

			printf("%s %d - %s\n", r < 0 ? "not ok" : "ok", ++count, files[i]->d_name);
			failed |= r < 0;
		}
		free(files[i]);
	}
	if (n >= 0)
		free(files);
	printf("1..%d\n", count);
	return failed;
}
