/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_HYPERV_TEMPLATE_STORE_H
#define HV_HYPERV_TEMPLATE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"

struct hv_template;
struct settings_hyperv;

/*
 * The directory of templates: <name>/{mem,state,meta.json} each, "lock", and <name>.new while one is made. Ours alone (0700), for what is in there
 * becomes the memory of virtual machines.
 */
struct template_store {
	char *dir;
	int dirfd;
	int lock_fd; /* open while it is locked, else -1 */
};
#define TEMPLATE_STORE_NONE ((struct template_store){ .dirfd = -1, .lock_fd = -1 })

/* A template that can be used: three descriptors for a worker, which may live on when the template is removed. */
struct template {
	int dirfd, memory_fd, state_fd;
	uint64_t memory;  /* bytes */
	uint32_t version; /* of the protocol */
};
#define TEMPLATE_NONE ((struct template){ .dirfd = -1, .memory_fd = -1, .state_fd = -1 })

/* The status of a template in the store; the names are what "template list" prints. */
enum template_status { TEMPLATE_READY, TEMPLATE_STALE, TEMPLATE_DAMAGED, _TEMPLATE_STATUS_MAX };
const char *template_status_to_string(enum template_status s);

enum { TEMPLATE_E_NOT_FOUND = 1 };

/*
 * Opens the store; make: makes it when it is not there, else that is TEMPLATE_E_NOT_FOUND. Without hyperv.template_dir it is in the first of /run
 * and /dev/shm that is a tmpfs.
 */
int template_store_open(const struct settings_hyperv *settings, bool make, struct template_store *ret, struct error *err);
void template_store_done(struct template_store *s);

/* Takes the lock, waiting at most timeout_ms for it: ETIMEDOUT. It is held until template_store_done(), or the end of the process. */
int template_store_lock(struct template_store *s, int timeout_ms, struct error *err);

/*
 * Opens a template. TEMPLATE_E_NOT_FOUND when there is none, or one that a worker found to be of no use; < 0 when it is not what was made, or
 * not for key (NULL: any).
 */
int template_store_find(const struct template_store *s, const char *name, const char *key, struct template *ret, struct error *err);
void template_done(struct template *t);

/*
 * Makes <name>.new, removing what an earlier attempt left of it; completes and renames it. Locked. begin returns the fd of the directory.
 * meta: mem and state are filled in here.
 */
int template_store_begin(const struct template_store *s, const char *name, struct error *err);
int template_store_commit(const struct template_store *s, const char *name, struct hv_template *meta, struct error *err);
void template_store_abandon(const struct template_store *s, const char *name);

/*
 * Whether the store's file system has less than 1 MiB left for users without privileges (statfs(2)). A VMM whose memory is a file there is killed by SIGBUS
 * then (mmap(2)), and can tell nobody why.
 */
bool template_store_is_full(const struct template_store *s);

/* One template of the list. meta is NULL when it cannot be read. */
struct template_entry {
	const char *name;
	enum template_status status;
	const struct hv_template *meta;
	uint64_t size; /* bytes that its files use */
};

/* Calls back for each in the store, sorted by name. fn returns < 0 to stop. */
typedef int template_entry_fn(void *data, const struct template_entry *e, struct error *err);
int template_store_each(const struct template_store *s, template_entry_fn *fn, void *data, struct error *err);

/* Removes a template, or what is left of a half one. Locked. VMs that are copies of it stay as they are. */
int template_store_remove(const struct template_store *s, const char *name, struct error *err);

#endif
