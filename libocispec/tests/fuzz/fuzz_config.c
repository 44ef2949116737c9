/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whatever is accepted as a config.json must be written, be accepted again, and then be written the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <ocispec/types.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oci_parse_options options = { .comments = true };
	struct oci_doc *doc = NULL, *again = NULL;
	char *first = NULL, *second = NULL;
	if (oci_parse(&oci_config_type, (const char *)data, size, &options, &doc, NULL) < 0)
		return 0;
	if (oci_write(&oci_config_type, oci_doc_root(doc), NULL, &first, NULL, NULL) < 0 ||
	    oci_parse(&oci_config_type, first, strlen(first), NULL, &again, NULL) < 0 ||
	    oci_write(&oci_config_type, oci_doc_root(again), NULL, &second, NULL, NULL) < 0 ||
	    strcmp(first, second) != 0)
		abort();
	oci_doc_free(doc);
	oci_doc_free(again);
	free(first);
	free(second);
	return 0;
}
