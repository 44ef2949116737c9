/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Without libFuzzer: runs the fuzz target once on each file that is named. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
	static uint8_t data[1 << 20];
	for (int i = 1; i < argc; i++) {
		FILE *f = fopen(argv[i], "re");
		if (!f) {
			perror(argv[i]);
			return 1;
		}
		size_t n = fread(data, 1, sizeof(data), f);
		(void)fclose(f);
		uint8_t *exact = malloc(n > 0 ? n : 1); /* so that a sanitizer sees each byte read too many */
		if (!exact)
			return 1;
		for (size_t k = 0; k < n; k++)
			exact[k] = data[k];
		(void)LLVMFuzzerTestOneInput(exact, n);
		free(exact);
	}
	return 0;
}
