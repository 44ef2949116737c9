/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * MOUNT: mounts that come to and go from a container in the VM. What is to be bound becomes an entry of the share tree before the guest is told,
 * and leaves it when the guest could not mount it, when it says that it has unmounted it, or with the container. Which entry is behind a destination is known
 * here; what a guest does with an entry that it should have let go is cut off with it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ocispec/types.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "schema/types.h"
#include "vmwp/members.h"
#include "vmwp/worker.h"

enum { HOT_SHARES_MAX = 240 /* of one VM */ };

struct hot_share {
	struct hot_share *next; /* the last one of a destination comes first */
	uint32_t number, process;
	char *destination;
	bool file;
};

static void name_of(const struct hot_share *s, char ret[24])
{
	snprintf(ret, 24, "hot.%u", s->number);
}

static struct hot_share **find(struct worker *w, uint32_t number)
{
	struct hot_share **at = &w->hot_shares;

	while (*at && (*at)->number != number)
		at = &(*at)->next;
	return at;
}

/* The number of the entry that was mounted last at a destination; 0: none was. */
static uint32_t at_destination(const struct worker *w, uint32_t process, const char *destination)
{
	_cleanup_free_ char *normal = path_normalize(destination);
	const struct hot_share *s = w->hot_shares;

	while (s && (s->process != process || !str_eq(s->destination, normal)))
		s = s->next;
	return s ? s->number : 0;
}

static void drop(struct worker *w, struct hot_share **at, bool from_tree)
{
	struct hot_share *s = *at;
	char name[24];

	name_of(s, name);
	if (from_tree)
		share_remove(w, name, s->file);
	*at = s->next;
	w->n_hot_shares--;
	free(s->destination);
	free(s);
}

void hot_shares_remove(struct worker *w, uint32_t process)
{
	for (struct hot_share **at = &w->hot_shares; *at;)
		if ((*at)->process == process)
			drop(w, at, true);
		else
			at = &(*at)->next;
}

void hot_shares_done(struct worker *w)
{
	while (w->hot_shares)
		drop(w, &w->hot_shares, false);
}

/* mount->source becomes the entry's path in the guest, owned by the caller. */
static int add(struct client *c, const struct hv_worker_mount *m, uint32_t process, uint32_t *ret_number, struct error *err)
{
	struct worker *w = c->worker;
	_cleanup_fd_ int fd = -1;
	struct hot_share *s;
	char name[24];
	int r;

	if (channel_take_fds(c->channel, &fd, 1) != 1)
		return error_set(err, EPROTO, "MOUNT without its descriptor");
	if (w->n_hot_shares == HOT_SHARES_MAX)
		return error_set(err, E2BIG, "mounts: at most %d can be added to a virtual machine", HOT_SHARES_MAX);
	s = xcalloc(1, sizeof(*s));
	*s = (struct hot_share){ .next = w->hot_shares, .number = ++w->last_hot_share, .process = process, .file = m->file };
	name_of(s, name);
	r = share_add(w, name, m->file, fd, err);
	if (r < 0) {
		free(s);
		return r;
	}
	s->destination = path_normalize(m->mount->destination);
	w->hot_shares = s;
	w->n_hot_shares++;
	*ret_number = s->number;
	return 0;
}

/* The entry stays when it has been mounted, and when it could not be unmounted. */
static int answered(struct worker *w, const struct pending *p, const struct frame *f, const struct error *e, struct error *err)
{
	struct hot_share **at = find(w, p->share);

	if (*at && p->share_added != (f != NULL))
		drop(w, at, true);
	return guest_relay_answer(w, p, f, e, err);
}

int hot_request_mount(struct client *c, const struct frame *f, void *message, struct error *err)
{
	const struct hv_worker_mount *m = message;
	const struct member *member = member_find(c->worker, m->id);
	struct pending p = { .client = c, .client_id = f->id, .process = member ? member_process(member) : PROCESS_INIT, .answered = answered,
			     .share_added = m->add };
	_cleanup_free_ char *source = NULL;
	int r = 0;

	if (m->add && m->share)
		r = add(c, m, p.process, &p.share, err);
	else if (!m->add)
		p.share = at_destination(c->worker, p.process, m->mount->destination);
	if (r < 0)
		return r;
	if (m->add && m->share)
		m->mount->source = source = xasprintf(PROTOCOL_SHARE_DIR "/hot.%u", p.share);
	guest_send(c->worker, MESSAGE_MOUNT, &hv_agent_mount_type, &(struct hv_agent_mount){ .id = m->id, .add = m->add, .mount = m->mount }, &p);
	m->mount->source = NULL;
	return 0;
}
