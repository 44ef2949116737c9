/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_CONTAINER_DOCUMENT_H
#define HV_CONTAINER_DOCUMENT_H

#include <ocispec/doc.h>

#include "base/error.h"

#define OCI_SPEC_VERSION "1.3.0" /* of the runtime specification that we implement */

/* An error of libocispec, which is a library with an error type of its own, as one of ours. Returns -code. */
static inline int document_error(struct error *err, const struct oci_error *oe)
{
	return error_set(err, oe->code, "%s", oe->msg);
}

#endif
