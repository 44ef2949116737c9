/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NETWORK: the guest's cards become links of the container's network namespace, so that they are its and not the agent's, with all
 * that the host's namespace says about them. A card is known by the address that the VM was made with, until it has another one; a link
 * that has been moved before is set anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <ocispec/types.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/agent.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "container/container.h"
#include "linux/namespace.h"
#include "linux/net_config.h"
#include "linux/netlink.h"
#include "schema/types.h"

enum { ADDRESS_LEN = 6 };

/* The VM's cards as hyperv/vmm/vmm.h numbers them. */
static const unsigned char card_address[ADDRESS_LEN - 1] = { 0x52, 0x54, 0x00, 0x68, 0x76 };

static unsigned hex_digit(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a') + 10;
}

/* The schema has checked that they are digits. */
static void from_hex(const char *hex, struct buf *ret)
{
	for (; hex[0] && hex[1]; hex += 2) {
		char byte = (char)(hex_digit(hex[0]) << 4 | hex_digit(hex[1]));

		buf_append(ret, &byte, 1);
	}
}

struct search {
	unsigned char address[ADDRESS_LEN];
	int index;
};

static int take_link(const struct nlmsghdr *h, void *arg)
{
	const struct ifinfomsg *m = NLMSG_DATA(h);
	struct search *s = arg;
	const void *address = netlink_attribute(h, sizeof(*m), IFLA_ADDRESS, ADDRESS_LEN);

	if (address && !memcmp(address, s->address, ADDRESS_LEN))
		s->index = m->ifi_index;
	return 0;
}

/* The number of a card that is still the agent's; 0: it is not. */
static int find_card(int sock, unsigned nic)
{
	struct search s = { 0 };
	struct netlink_request q;

	memcpy(s.address, card_address, sizeof(card_address));
	s.address[ADDRESS_LEN - 1] = (unsigned char)nic;
	netlink_begin(&q, RTM_GETLINK, NLM_F_DUMP, &(struct ifinfomsg){ 0 }, sizeof(struct ifinfomsg));
	return netlink_ask(sock, &q, take_link, &s) < 0 ? 0 : s.index;
}

/* The number on the host is kept (IFLA_NEW_IFINDEX, 5.13), for routes by way of several links name it. */
static int move(int sock, int card, int netns_fd, const struct hv_agent_link *l)
{
	struct netlink_request q;

	netlink_begin(&q, RTM_NEWLINK, 0, &(struct ifinfomsg){ .ifi_index = card }, sizeof(struct ifinfomsg));
	netlink_add_u32(&q, IFLA_NET_NS_FD, (uint32_t)netns_fd);
	netlink_add_string(&q, IFLA_IFNAME, l->name);
	netlink_add_u32(&q, IFLA_NEW_IFINDEX, l->index);
	return netlink_ask(sock, &q, NULL, NULL);
}

/* The kernel makes no IPv6 addresses of its own: those that the link has come from the host. */
static void stop_autoconf(int sock, int index)
{
	const uint8_t mode = 1; /* IN6_ADDR_GEN_MODE_NONE */
	struct netlink_request q;
	size_t spec, inet6;

	netlink_begin(&q, RTM_NEWLINK, 0, &(struct ifinfomsg){ .ifi_index = index }, sizeof(struct ifinfomsg));
	spec = netlink_nest(&q, IFLA_AF_SPEC);
	inet6 = netlink_nest(&q, AF_INET6);
	netlink_add(&q, IFLA_INET6_ADDR_GEN_MODE, &mode, sizeof(mode));
	netlink_nest_end(&q, inet6);
	netlink_nest_end(&q, spec);
	netlink_ask(sock, &q, NULL, NULL); /* a kernel without IPv6 makes none */
}

static int set_link(int sock, int index, const struct hv_agent_link *l)
{
	_cleanup_buf_ struct buf address = { 0 };
	struct netlink_request q;

	from_hex(l->address, &address);
	netlink_begin(&q, RTM_NEWLINK, 0, &(struct ifinfomsg){ .ifi_index = index }, sizeof(struct ifinfomsg));
	netlink_add(&q, IFLA_ADDRESS, address.data, address.len);
	netlink_add_u32(&q, IFLA_MTU, l->mtu);
	netlink_add_u32(&q, IFLA_TXQLEN, l->tx_queue);
	return netlink_ask(sock, &q, NULL, NULL);
}

/* ours and theirs are sockets of the agent's and of the container's network namespace. */
static int apply_link(int ours, int theirs, int netns_fd, const struct hv_agent_link *l, struct error *err)
{
	_cleanup_buf_ struct buf config = { 0 };
	struct netlink_link link;
	int card = find_card(ours, l->nic), r = card ? move(ours, card, netns_fd, l) : 0;

	if (r == 0)
		r = netlink_find_link(theirs, l->name, &link);
	if (r < 0)
		return error_errnum(err, r, "network card %u", l->nic);
	stop_autoconf(theirs, link.index);
	r = set_link(theirs, link.index, l);
	if (r == 0)
		r = net_config_flush(theirs, link.index);
	if (r == 0)
		r = netlink_set_up(theirs, link.index);
	if (r < 0)
		return error_errnum(err, r, "set it up");
	from_hex(l->config, &config);
	return net_config_replay(theirs, (int)l->index, link.index, config.data, config.len, err);
}

/* Back to the agent, as a card that has never been anybody's. The number is the host's, where the kernel can give one; else it is known by its name. */
static int take_back(int ours, int theirs, int ours_fd, const struct hv_agent_gone *g)
{
	unsigned char address[ADDRESS_LEN];
	struct netlink_link link;
	struct netlink_request q;
	char name[IFNAMSIZ];
	int r;

	if (find_card(ours, g->nic))
		return 0;
	r = netlink_find_link_index(theirs, (int)g->index, &link);
	if (r < 0)
		r = netlink_find_link(theirs, g->name, &link);
	snprintf(name, sizeof(name), "hvcard%u", g->nic);
	if (r == 0)
		r = netlink_move_link(theirs, link.index, ours_fd, name);
	if (r == 0)
		r = netlink_find_link(ours, name, &link);
	if (r < 0)
		return r;
	memcpy(address, card_address, sizeof(card_address));
	address[ADDRESS_LEN - 1] = (unsigned char)g->nic;
	netlink_begin(&q, RTM_NEWLINK, 0, &(struct ifinfomsg){ .ifi_index = link.index }, sizeof(struct ifinfomsg));
	netlink_add(&q, IFLA_ADDRESS, address, sizeof(address));
	return netlink_ask(ours, &q, NULL, NULL);
}

static int apply_gone(int ours, int theirs, const struct hv_agent_network *m, struct error *err)
{
	_cleanup_fd_ int fd = m->n_gone > 0 ? open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC) : -1;

	if (m->n_gone > 0 && fd < 0)
		return error_errno(err, "network namespace");
	for (size_t i = 0; i < m->n_gone; i++) {
		int r = take_back(ours, theirs, fd, &m->gone[i]);

		if (r < 0)
			return error_errnum(err, r, "network link \"%s\", which has gone", m->gone[i].name);
	}
	return 0;
}

static int set_up_loopback(int sock, struct error *err)
{
	struct netlink_link lo;
	int r = netlink_find_link(sock, "lo", &lo);

	if (r == 0)
		r = netlink_set_up(sock, lo.index);
	return r < 0 ? error_errnum(err, r, "network link \"lo\"") : 0;
}

static int apply(const struct hv_agent_network *m, int netns_fd, struct error *err)
{
	_cleanup_fd_ int ours = netlink_open(-1, err), theirs = ours < 0 ? -1 : netlink_open(netns_fd, err);
	_cleanup_buf_ struct buf routes = { 0 };

	if (ours < 0 || theirs < 0)
		return -err->code;
	if (m->loopback && set_up_loopback(theirs, err) < 0)
		return -err->code;
	if (apply_gone(ours, theirs, m, err) < 0)
		return -err->code;
	for (size_t i = 0; i < m->n_links; i++) {
		int r = apply_link(ours, theirs, netns_fd, &m->links[i], err);

		if (r < 0)
			return error_wrap(err, "network link \"%s\"", m->links[i].name);
	}
	from_hex(m->routes, &routes);
	return net_config_replay(theirs, 0, 0, routes.data, routes.len, err);
}

int verb_network(const struct verb_context *v, _unused_ pid_t *ret_pid, _unused_ struct buf *reply, struct error *err)
{
	const struct hv_agent_network *m = v->message;
	_cleanup_container_ struct container *c = NULL;
	_cleanup_free_ char *path = NULL;
	_cleanup_fd_ int netns = -1;
	int r = container_open(&v->agent->env, m->id, true, &c, err);

	if (r != 0)
		return r > 0 ? -err->code : r;
	path = xasprintf("/proc/%d/ns/net", (int)c->state->pid);
	netns = namespace_open(path, CLONE_NEWNET, err);
	return netns < 0 ? netns : apply(m, netns, err);
}
