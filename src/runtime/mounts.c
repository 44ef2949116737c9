/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mounts add, mounts remove: an array of config.json's mounts for a running container. */
#include <errno.h>
#include <fcntl.h>
#include <ocispec/doc.h>
#include <ocispec/types.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "container/document.h"
#include "runtime/lifecycle.h"
#include "runtime/runtime.h"

enum { MOUNTS_MAX = 4 << 20 };

/* The array is read as a config.json's, by the same tables. */
static int read_mounts(const char *path, struct oci_doc **ret, struct error *err)
{
	_cleanup_free_ char *array = NULL, *json = NULL;
	struct oci_error oe;
	int r = file_read_at(AT_FDCWD, path, MOUNTS_MAX, &array, NULL);

	if (r < 0)
		return error_errnum(err, r, "mounts: read %s", path);
	json = xasprintf("{\"ociVersion\":\"%s\",\"root\":{\"path\":\"/\"},\"mounts\":%s}", OCI_SPEC_VERSION, array);
	if (oci_parse(&oci_config_type, json, strlen(json), NULL, ret, &oe) < 0) {
		document_error(err, &oe);
		return error_wrap(err, "mounts: %s", path);
	}
	return 0;
}

int runtime_mounts(struct runtime *rt, const char *id, const char *file, bool add, struct error *err)
{
	_cleanup_container_ struct container *c = NULL;
	const struct isolation_ops *ops;
	const struct oci_config *config;
	enum container_status status;
	struct oci_doc *doc = NULL;
	int r = read_mounts(file, &doc, err);

	if (r < 0)
		return r;
	config = oci_doc_root(doc);
	r = runtime_open(rt, id, true, &c, &ops, err);
	if (r == 0)
		r = runtime_status(rt, c, ops, &status, err);
	if (r == 0 && status != CONTAINER_RUNNING && status != CONTAINER_CREATED)
		r = error_set(err, ESRCH, "container not running: %s", container_status_to_string(status));
	if (r == 0)
		r = ops->mounts(&rt->env, c, config->mounts, config->n_mounts, add, err);
	oci_doc_free(doc);
	return r;
}
