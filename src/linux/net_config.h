/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_NET_CONFIG_H
#define HV_LINUX_NET_CONFIG_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

/*
 * What a network namespace has, to be made the same in another one. Addresses, routes and neighbours stay what the kernel tells them
 * with, rtnetlink(7) messages one behind the other, reduced to the attributes that another kernel can be asked to set: nothing
 * that it knows is lost on the way.
 */
struct net_link {
	char name[IFNAMSIZ];
	int index;
	uint8_t address[6];
	uint32_t mtu, tx_queue;
	struct buf config; /* its addresses, routes without a gateway, permanent neighbours */
};

struct net_config {
	struct net_link *links;
	size_t n_links;
	bool loopback;     /* lo is up */
	struct buf routes; /* by way of gateways: when all links are there */
};

void net_config_done(struct net_config *c);
#define _cleanup_net_config_ _cleanup_(net_config_done)

/*
 * The Ethernet links of sock's network namespace that are up, but the n taps with those indices, and what belongs to them. Left out: what the
 * kernel makes on its own (local routes, those to a link's own network, what a router's advertisement brought). A link that is up
 * but no Ethernet, and not the loopback interface, is refused. *ret is emptied first. 0 or < 0.
 */
int net_config_get(int sock, const int *taps, size_t n, struct net_config *ret, struct error *err);

/* Only how many links that would find. */
int net_config_count(int sock, size_t *ret, struct error *err);

/* Removes all addresses of a link, and its routes with them. sock: of its network namespace. 0 or -errno. */
int net_config_flush(int sock, int index);

/*
 * Replays messages of a net_config: those about the link `from` are about `to` here. Messages must be whole and no longer than
 * NETLINK_REQUEST_MAX. 0 or < 0.
 */
int net_config_replay(int sock, int from, int to, const void *messages, size_t len, struct error *err);

#endif
