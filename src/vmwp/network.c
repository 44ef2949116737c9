/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The container's network: each link of the network namespace that the worker is in is joined with one of the VM's network cards by
 * a tap, and the guest is told what it is called, its address, MTU, IP addresses, routes and neighbours. This is done when the container has
 * been created, and looked at again before it starts: engines set links up before, between (hooks) or after those two. From then on the kernel tells
 * of changes, and what has changed goes into the guest while cards last (hyperv.spare_links).
 *
 * The namespace itself is left as it is but for the taps, which go with the worker, and one ingress qdisc on each joined link, which
 * network_close() removes; for one that has been killed the destroy verb does.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include <ocispec/types.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "linux/net_config.h"
#include "linux/netlink.h"
#include "linux/tap.h"
#include "schema/json.h"
#include "schema/types.h"
#include "vmwp/worker.h"

enum { SETTLE_USEC = 50000 }; /* from the first sign of a change until it is looked at: an engine's commands come one after the other */

int network_open(struct worker *w, struct error *err)
{
	unsigned want = w->setup->vm->nics;

	for (; w->n_nics < want; w->n_nics++) {
		int fd = tap_open(&w->nics[w->n_nics].tap, err);

		if (fd < 0)
			return fd;
		w->nic_fds[w->n_nics] = fd;
	}
	return 0;
}

void network_close(struct worker *w)
{
	_cleanup_fd_ int sock = -1;
	struct error err;

	for (unsigned i = 0; i < w->n_nics; i++) {
		fd_close(w->nic_fds[i]);
		if (w->nics[i].link > 0 && sock < 0)
			sock = netlink_open(-1, &err);
		if (w->nics[i].link > 0 && sock >= 0 && tap_part(sock, w->nics[i].link, &err) < 0)
			log_warning("container \"%s\": network link %d: %s", w->setup->id, w->nics[i].link, err.msg);
	}
	for (unsigned i = 0; i < w->n_nics; i++)
		free(w->nics[i].sent);
	w->n_nics = 0;
	free(w->network_sent);
	free(w->network_warned);
	w->network_sent = w->network_warned = NULL;
	w->network_source = event_source_free(w->network_source);
	w->network_timer = event_source_free(w->network_timer);
	w->network_fd = fd_close(w->network_fd);
}

static char *to_hex(const void *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *from = bytes;
	char *hex = xcalloc(len + 1, 2);

	for (size_t i = 0; i < len; i++) {
		hex[2 * i] = digits[from[i] >> 4];
		hex[2 * i + 1] = digits[from[i] & 15];
	}
	return hex;
}

/* The card that the link has, or gets now. */
static int join(struct worker *w, int sock, const struct net_link *l, struct error *err)
{
	unsigned i = 0;
	int r;

	while (i < w->n_nics && w->nics[i].link != l->index)
		i++;
	if (i < w->n_nics)
		return (int)i;
	for (i = 0; i < w->n_nics && w->nics[i].link; i++)
		;
	if (i == w->n_nics)
		return error_set(err, ENOSPC, "network link \"%s\": the virtual machine has been made with %u network cards: "
				 "all links must be there before the container is created (or hyperv.spare_links say how many more)", l->name, w->n_nics);
	r = tap_join(sock, w->nics[i].tap, l->index, l->mtu, err);
	if (r == -EBUSY)
		return error_set(err, EBUSY, "network link \"%s\": another virtual machine has it (hyperv.join_network would put the container into that one)", l->name);
	if (r < 0)
		return error_wrap(err, "network link \"%s\"", l->name);
	w->nics[i].link = l->index;
	return (int)i;
}

/* The namespace will be looked at, when the container runs. */
static void ask(struct worker *w)
{
	if (w->network_timer && !w->network_asked)
		w->network_asked = event_timer_set(w->network_timer, SETTLE_USEC) == 0;
}

/* NETWORK in the making. */
struct update {
	bool live; /* the container runs: links that are what they were are let be, and one that cannot be joined is left out */
	int sock;
	struct net_config config;
	struct hv_agent_link *links; /* all that are joined */
	size_t n_links;
	char **texts; /* the same, as JSON */
	struct hv_agent_gone *gone;
	size_t n_gone;
	char *all; /* all of it, as if nothing had been sent before */
};

static void update_done(struct update *u)
{
	for (size_t i = 0; i < u->n_links; i++) {
		free(u->links[i].address);
		free(u->links[i].config);
		free(u->texts[i]);
	}
	free(u->links);
	free(u->texts);
	free(u->gone);
	free(u->all);
	net_config_done(&u->config);
	fd_close(u->sock);
}

/* Once for each reason: events come in swarms. */
static void warn(struct worker *w, const struct error *e)
{
	if (w->network_warned && !strcmp(w->network_warned, e->msg))
		return;
	log_warning("container \"%s\": %s", w->setup->id, e->msg);
	free(w->network_warned);
	w->network_warned = xstrdup(e->msg);
}

static int describe(struct worker *w, struct update *u, struct net_link *l, struct error *err)
{
	int nic = join(w, u->sock, l, err);
	struct hv_agent_link *to = &u->links[u->n_links];

	if (nic < 0)
		return nic;
	*to = (struct hv_agent_link){
		.nic = (uint32_t)nic, .name = l->name, .index = (uint32_t)l->index, .address = to_hex(l->address, sizeof(l->address)),
		.mtu = l->mtu, .tx_queue = l->tx_queue, .config = to_hex(l->config.data, l->config.len),
	};
	memcpy(w->nics[nic].name, l->name, sizeof(l->name));
	u->n_links++;
	return json_write(&hv_agent_link_type, to, &u->texts[u->n_links - 1], NULL, err);
}

static bool is_there(const struct net_config *c, int link)
{
	for (size_t i = 0; i < c->n_links; i++)
		if (c->links[i].index == link)
			return true;
	return false;
}

/* The cards of links that have gone are free again when the guest has let go of them; that can wait until it runs. */
static void take_away(struct worker *w, struct update *u)
{
	struct error err;

	for (unsigned i = 0; i < w->n_nics; i++) {
		struct nic *n = &w->nics[i];

		if (!n->leaving && (n->link <= 0 || is_there(&u->config, n->link)))
			continue;
		if (!u->live) {
			ask(w);
			continue;
		}
		if (!n->leaving)
			n->left = n->link;
		u->gone[u->n_gone++] = (struct hv_agent_gone){ .nic = i, .name = n->name, .index = (uint32_t)n->left };
		if (n->leaving)
			continue; /* once more: the guest has said that something went wrong */
		n->leaving = tap_leave(u->sock, n->tap, n->link, &err) == 0;
		if (!n->leaving)
			log_warning("container \"%s\": network link \"%s\": %s: its card cannot be used again", w->setup->id, n->name, err.msg);
		n->link = -1;
		free(n->sent);
		n->sent = NULL;
	}
}

/* What the namespace has, but our taps and, when the container runs, links that cannot be joined: nor are their routes the guest's then. */
static int read_config(struct worker *w, struct update *u, struct error *err)
{
	_cleanup_free_ int *skip = xcalloc(w->n_nics + 1, sizeof(*skip));
	size_t n = 0, n_links;
	int r;

	for (unsigned i = 0; i < w->n_nics; i++)
		skip[n++] = w->nics[i].tap;
	r = net_config_get(u->sock, skip, n, &u->config, err);
	if (r < 0)
		return r;
	take_away(w, u);
	n_links = u->config.n_links;
	skip = xreallocarray(skip, n + n_links + 1, sizeof(*skip));
	for (size_t i = 0; u->live && i < n_links; i++)
		if (join(w, u->sock, &u->config.links[i], err) < 0) {
			warn(w, err);
			skip[n++] = u->config.links[i].index;
		}
	return n == w->n_nics ? 0 : net_config_get(u->sock, skip, n, &u->config, err);
}

static int look(struct worker *w, struct update *u, struct error *err)
{
	int r;

	u->sock = netlink_open(-1, err);
	if (u->sock < 0)
		return u->sock;
	u->gone = xcalloc(w->n_nics + 1, sizeof(*u->gone));
	r = read_config(w, u, err);
	if (r < 0)
		return r;
	u->links = xcalloc(u->config.n_links + 1, sizeof(*u->links));
	u->texts = xcalloc(u->config.n_links + 1, sizeof(*u->texts));
	for (size_t i = 0; r == 0 && i < u->config.n_links; i++)
		r = describe(w, u, &u->config.links[i], err);
	return r;
}

/* Only what is new or has changed: a link that is set anew loses its addresses for a moment. */
static size_t leave_out_unchanged(struct worker *w, struct update *u)
{
	size_t n = 0;

	for (size_t i = 0; i < u->n_links; i++) {
		struct nic *nic = &w->nics[u->links[i].nic];
		struct hv_agent_link link = u->links[i];
		char *text = u->texts[i];

		if (u->live && nic->sent && !strcmp(nic->sent, text))
			continue;
		free(nic->sent);
		nic->sent = xstrdup(text);
		u->links[i] = u->links[n];
		u->texts[i] = u->texts[n];
		u->links[n] = link;
		u->texts[n++] = text;
	}
	return n;
}

static int send_update(struct worker *w, struct update *u, const struct pending *p, struct error *err)
{
	_cleanup_free_ char *routes = to_hex(u->config.routes.data, u->config.routes.len);
	struct hv_agent_network m = { .id = w->setup->id, .loopback = u->config.loopback, .links = u->links, .n_links = u->n_links,
				      .routes = routes };
	int r = json_write(&hv_agent_network_type, &m, &u->all, NULL, err);

	if (r < 0 || (u->n_gone == 0 && w->network_sent && !strcmp(w->network_sent, u->all)))
		return r;
	free(w->network_sent);
	w->network_sent = TAKE_PTR(u->all);
	m.n_links = leave_out_unchanged(w, u);
	m.gone = u->gone;
	m.n_gone = u->n_gone;
	guest_send(w, MESSAGE_NETWORK, &hv_agent_network_type, &m, p);
	return 1;
}

static int update(struct worker *w, bool live, const struct pending *p, struct error *err)
{
	_cleanup_(update_done) struct update u = { .live = live, .sock = -1 };
	int r = look(w, &u, err);

	if (r < 0 || (u.config.n_links == 0 && !u.config.loopback && !w->network_sent))
		return r;
	return send_update(w, &u, p, err);
}

int network_update(struct worker *w, const struct pending *p, struct error *err)
{
	return update(w, false, p, err);
}

/* while the container runs --------------------------------------------------------------------------------------------------- */

/* Who waits for a card that has become free is looked at again. */
static int followed(struct worker *w, _unused_ const struct pending *p, const struct frame *f, const struct error *e, _unused_ struct error *err)
{
	struct error why;

	for (unsigned i = 0; i < w->n_nics; i++) {
		struct nic *n = &w->nics[i];

		if (n->leaving && f) {
			n->link = 0;
			n->leaving = false;
			ask(w);
		}
		if (!f) {
			free(n->sent);
			n->sent = NULL;
		}
	}
	if (f)
		return 0;
	why = *e;
	error_wrap(&why, "the guest cannot follow what has changed in the network namespace");
	warn(w, &why);
	free(w->network_sent);
	w->network_sent = NULL;
	return 0;
}

static int on_settled(void *data, _unused_ struct error *err)
{
	const struct pending p = { .answered = followed, .process = PROCESS_INIT };
	struct worker *w = data;
	struct error e;

	w->network_asked = false;
	if (w->phase != PHASE_CREATED)
		return 0;
	if (guest_waits_for(w, MESSAGE_NETWORK, PROCESS_INIT) || guest_waits_for(w, MESSAGE_START, PROCESS_INIT))
		ask(w); /* one after the other */
	else if (update(w, true, &p, &e) < 0)
		warn(w, &e);
	return 0;
}

static int on_change(void *data, int fd, _unused_ uint32_t events, _unused_ struct error *err)
{
	netlink_drain(fd);
	ask(data);
	return 0;
}

int network_watch(struct worker *w, struct error *err)
{
	int r;

	if (w->n_nics == 0 || w->network_source)
		return 0;
	w->network_fd = r = netlink_watch(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE, err);
	if (r >= 0)
		r = event_add_timer(w->loop, 0, on_settled, w, &w->network_timer, err);
	if (r >= 0)
		r = event_add_fd(w->loop, w->network_fd, EPOLLIN, on_change, w, &w->network_source, err);
	return r < 0 ? r : 0;
}
