/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Loading a bundle (runtime-spec bundle.md): once, before anything on the machine is changed. The document
 * that comes out is what both runtime types work from; the bytes go into the state directory, so that later
 * changes of the file have no effect (runtime.md).
 */
#include "container/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <ocispec/types.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "container/annotation.h"
#include "container/document.h"
#include "container/validate.h"

struct bundle *bundle_free(struct bundle *b)
{
	if (!b)
		return NULL;
	oci_doc_free(b->doc);
	fd_close(b->dirfd);
	free(b->path);
	free(b->rootfs);
	free(b->json);
	free(b->sandbox);
	free(b);
	return NULL;
}

static int open_dir(struct bundle *b, const char *path, struct error *err)
{
	b->path = realpath(path, NULL);
	if (!b->path)
		return error_errno(err, "bundle %s", path);
	b->dirfd = file_open_dir(AT_FDCWD, b->path);
	return b->dirfd < 0 ? error_errnum(err, b->dirfd, "bundle %s", b->path) : 0;
}

static int read_config(struct bundle *b, const char *config, struct error *err)
{
	int r = config ? file_read_at(AT_FDCWD, config, OCI_MAX_SIZE, &b->json, &b->json_len)
		       : file_read_at(b->dirfd, "config.json", OCI_MAX_SIZE, &b->json, &b->json_len);

	if (r == -ENOENT)
		return error_set(err, ENOENT, "JSON specification file config.json not found: %s%s",
				 config ? config : b->path, config ? "" : "/config.json");
	return r < 0 ? error_errnum(err, r, "read %s", config ? config : "config.json") : 0;
}

static void note_unknown(_unused_ void *arg, const char *field)
{
	log_debug("config.json: %s: unknown, ignored", field);
}

static int parse(struct bundle *b, struct error *err)
{
	const char *sandbox;
	struct oci_parse_options options = { .unknown = log_enabled(LOG_LEVEL_DEBUG) ? note_unknown : NULL };
	struct oci_error oe;

	if (oci_parse(&oci_config_type, b->json, b->json_len, &options, &b->doc, &oe) < 0)
		return document_error(err, &oe);
	b->config = oci_doc_root(b->doc);
	sandbox = annotation_sandbox_of(b->config->annotations);
	b->sandbox = sandbox ? xstrdup(sandbox) : NULL;
	return validate_config(b->config, err);
}

static int find_rootfs(struct bundle *b, struct error *err)
{
	_cleanup_free_ char *joined = path_join(b->path, b->config->root->path);
	struct stat st;

	b->rootfs = path_normalize(joined);
	if (stat(b->rootfs, &st) < 0)
		return error_errno(err, "root.path: %s", b->rootfs);
	if (!S_ISDIR(st.st_mode) && !annotation_get(b->config->annotations, ANNOTATION_ROOTFS_TYPE))
		return error_set(err, ENOTDIR, "root.path: %s is not a directory", b->rootfs);
	return 0;
}

int bundle_load(const char *path, const char *config, struct bundle **ret, struct error *err)
{
	_cleanup_bundle_ struct bundle *b = xcalloc(1, sizeof(*b));
	int r;

	b->dirfd = -1;
	r = open_dir(b, path, err);
	if (r == 0)
		r = read_config(b, config, err);
	if (r < 0)
		return r;
	r = parse(b, err);
	if (r < 0)
		return error_wrap(err, "%s", config ? config : "config.json");
	r = find_rootfs(b, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(b);
	return 0;
}
