/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_VMWP_MEMBERS_H
#define HV_VMWP_MEMBERS_H

#include "vmwp/worker.h"

struct oci_resources;

/*
 * A container beside the VM's own one: a member of its pod. It has a worker process of its own (standin.h), whose connection it lives and
 * dies with: ADD, SHARE for each entry of the share tree, CREATE, and EXIT at the end, as an exec has it.
 */
struct member;

/* The one with that id, or NULL. One that the guest has removed is none, though its last output may be on its way. */
struct member *member_find(const struct worker *w, const char *id);

/* One with that id that the guest has no more, or never had, and whose disks are on their way out; or NULL. */
struct member *member_find_leaving(const struct worker *w, const char *id);

/* Whether the guest has not been told of it. */
bool member_is_new(const struct member *m);

/* Whether the guest has made it and it has not ended. */
bool member_is_created(const struct member *m);

/* The number of its own process. */
uint32_t member_process(const struct member *m);

/* The state directory of the container whose own process that is; -1 of a member that has gone. */
int member_state_dir(const struct worker *w, uint32_t process);

/*
 * Requests, as clients.c has them: 0 when they will be answered later, or < 0 with the error to answer. start: only the first one may
 * go on. disk: in the order of create.disks. destroy is answered when the member and all that it had is gone.
 */
int member_request_add(struct client *c, const struct frame *f, void *message, struct error *err);
int member_request_share(struct client *c, const struct frame *f, void *message, struct error *err);
int member_request_disk(struct client *c, const struct frame *f, void *message, struct error *err);
int member_request_create(struct client *c, struct member *m, const struct frame *f, struct error *err);
int member_request_start(struct member *m, struct error *err);
int member_request_update(struct client *c, struct member *m, const struct frame *f, const struct oci_resources *r, struct error *err);
int member_request_destroy(struct client *c, struct member *m, const struct frame *f);

/* The disk that it has asked for last has its medium, or has none because of e. And: there is no medium of it in the VM any more. */
void member_disk_inserted(struct worker *w, uint32_t process, const struct error *e);
void member_disks_out(struct worker *w, uint32_t process);

/* Its process has ended, or its worker has gone: what the guest has of it is removed, and then the member. */
void member_end(struct worker *w, struct member *m);

/* A client has gone: its answers are dropped. */
void members_forget_client(struct worker *w, const struct client *c);

/* Those whose end is complete are told so and forgotten. */
void members_check_end(struct worker *w);

/* Forgets all of them, at the worker's end. */
void members_done(struct worker *w);

#endif
