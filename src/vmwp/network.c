/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The container's network: each link of the network namespace that the worker is in is joined with one of the VM's network cards by
 * a tap, and the guest is told what it is called, its address, MTU, IP addresses, routes and neighbours. This is done when the container has
 * been created, and looked at again before it starts: engines set links up before, between (hooks) or after those two.
 *
 * The namespace itself is left as it is but for the taps, which go with the worker, and one ingress qdisc on each joined link, which
 * network_close() removes; for one that has been killed the destroy verb does.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
		if (w->nics[i].link && sock < 0)
			sock = netlink_open(-1, &err);
		if (w->nics[i].link && sock >= 0 && tap_part(sock, w->nics[i].link, &err) < 0)
			log_warning("container \"%s\": network link %d: %s", w->setup->id, w->nics[i].link, err.msg);
	}
	w->n_nics = 0;
	free(w->network_sent);
	w->network_sent = NULL;
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
				 "all links must be there before the container is created", l->name, w->n_nics);
	r = tap_join(sock, w->nics[i].tap, l->index, l->mtu, err);
	if (r < 0)
		return error_wrap(err, "network link \"%s\"", l->name);
	w->nics[i].link = l->index;
	return (int)i;
}

static int describe(struct worker *w, int sock, struct net_link *l, struct hv_agent_link *ret, struct error *err)
{
	int nic = join(w, sock, l, err);

	if (nic < 0)
		return nic;
	*ret = (struct hv_agent_link){
		.nic = (uint32_t)nic, .name = l->name, .index = (uint32_t)l->index, .address = to_hex(l->address, sizeof(l->address)),
		.mtu = l->mtu, .tx_queue = l->tx_queue, .config = to_hex(l->config.data, l->config.len),
	};
	return 0;
}

/* NETWORK's body for what the namespace has; *ret is NULL when that is nothing. */
static int write_message(struct worker *w, int sock, struct net_config *c, char **ret, struct error *err)
{
	struct hv_agent_link *links = xcalloc(c->n_links + 1, sizeof(*links));
	_cleanup_free_ char *routes = to_hex(c->routes.data, c->routes.len);
	struct hv_agent_network m = { .id = w->setup->id, .loopback = c->loopback, .links = links, .n_links = c->n_links, .routes = routes };
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->n_links; i++)
		r = describe(w, sock, &c->links[i], &links[i], err);
	if (r == 0)
		r = json_write(&hv_agent_network_type, &m, ret, NULL, err);
	for (size_t i = 0; i < c->n_links; i++) {
		free(links[i].address);
		free(links[i].config);
	}
	free(links);
	return r;
}

int network_update(struct worker *w, const struct pending *p, struct error *err)
{
	_cleanup_net_config_ struct net_config c = { 0 };
	_cleanup_fd_ int sock = netlink_open(-1, err);
	_cleanup_free_ char *body = NULL;
	int taps[VMM_NICS_MAX], r;

	if (sock < 0)
		return sock;
	for (unsigned i = 0; i < w->n_nics; i++)
		taps[i] = w->nics[i].tap;
	r = net_config_get(sock, taps, w->n_nics, &c, err);
	if (r < 0 || (c.n_links == 0 && !c.loopback && !w->network_sent))
		return r;
	r = write_message(w, sock, &c, &body, err);
	if (r < 0 || (w->network_sent && !strcmp(w->network_sent, body)))
		return r;
	guest_request(w, MESSAGE_NETWORK, body, strlen(body), p);
	free(w->network_sent);
	w->network_sent = TAKE_PTR(body);
	return 1;
}
