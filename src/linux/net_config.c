/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The configuration of a network namespace by rtnetlink(7) dumps, and its replay. A table says for each kind of message where its header
 * names the link, and which attributes are kept: the rest is the state of one kernel (lifetimes, counters, next hop objects) and
 * not what somebody has set.
 */
#include "linux/net_config.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "linux/netlink.h"

#define BIT(n) (UINT32_C(1) << (n))

static const struct kind {
	uint16_t type;
	size_t header, index_at; /* index_at 0: an attribute has it */
	uint32_t attributes;	 /* kept */
} kinds[] = {
	{ RTM_NEWADDR, sizeof(struct ifaddrmsg), offsetof(struct ifaddrmsg, ifa_index),
	  BIT(IFA_ADDRESS) | BIT(IFA_LOCAL) | BIT(IFA_LABEL) | BIT(IFA_BROADCAST) | BIT(IFA_RT_PRIORITY) },
	{ RTM_NEWROUTE, sizeof(struct rtmsg), 0,
	  BIT(RTA_DST) | BIT(RTA_SRC) | BIT(RTA_OIF) | BIT(RTA_GATEWAY) | BIT(RTA_PRIORITY) | BIT(RTA_PREFSRC) | BIT(RTA_METRICS) |
		  BIT(RTA_MULTIPATH) | BIT(RTA_TABLE) | BIT(RTA_VIA) | BIT(RTA_PREF) },
	{ RTM_NEWNEIGH, sizeof(struct ndmsg), offsetof(struct ndmsg, ndm_ifindex), BIT(NDA_DST) | BIT(NDA_LLADDR) },
};

static const struct kind *kind_of(const struct nlmsghdr *h)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (h->nlmsg_type == kinds[i].type && h->nlmsg_len >= NLMSG_LENGTH(kinds[i].header))
			return &kinds[i];
	return NULL;
}

void net_config_done(struct net_config *c)
{
	for (size_t i = 0; i < c->n_links; i++)
		buf_done(&c->links[i].config);
	free(c->links);
	buf_done(&c->routes);
	*c = (struct net_config){ 0 };
}

/* reading ------------------------------------------------------------------------------------------------------------------ */

struct reading {
	const int *taps;
	size_t n_taps;
	struct net_config *out;
	char odd[IFNAMSIZ]; /* a link that cannot be carried */
};

static bool is_tap(const struct reading *d, int index)
{
	for (size_t i = 0; i < d->n_taps; i++)
		if (d->taps[i] == index)
			return true;
	return false;
}

static uint32_t get_u32(const struct nlmsghdr *h, size_t header, uint16_t type, uint32_t otherwise)
{
	const void *p = netlink_attribute(h, header, type, sizeof(otherwise));

	if (p)
		memcpy(&otherwise, p, sizeof(otherwise));
	return otherwise;
}

static int take_link(const struct nlmsghdr *h, void *arg)
{
	const struct ifinfomsg *m = NLMSG_DATA(h);
	const size_t header = sizeof(*m);
	struct reading *d = arg;
	const char *name;
	const void *address;
	struct net_link l = { 0 };

	if (h->nlmsg_type != RTM_NEWLINK || h->nlmsg_len < NLMSG_LENGTH(header))
		return 0;
	d->out->loopback |= m->ifi_flags & IFF_LOOPBACK && m->ifi_flags & IFF_UP;
	name = netlink_attribute(h, header, IFLA_IFNAME, 1);
	if (!name || !(m->ifi_flags & IFF_UP) || m->ifi_flags & IFF_LOOPBACK || is_tap(d, m->ifi_index) ||
	    netlink_attribute(h, header, IFLA_MASTER, 4))
		return 0;
	address = netlink_attribute(h, header, IFLA_ADDRESS, sizeof(l.address));
	if (m->ifi_type != ARPHRD_ETHER || !address) {
		strncpy(d->odd, name, sizeof(d->odd) - 1);
		return 0;
	}
	strncpy(l.name, name, sizeof(l.name) - 1);
	l.index = m->ifi_index;
	memcpy(l.address, address, sizeof(l.address));
	l.mtu = get_u32(h, header, IFLA_MTU, 1500);
	l.tx_queue = get_u32(h, header, IFLA_TXQLEN, 1000);
	d->out->links = xreallocarray(d->out->links, d->out->n_links + 1, sizeof(l));
	d->out->links[d->out->n_links++] = l;
	return 0;
}

static struct net_link *find_link(struct net_config *c, int index)
{
	for (size_t i = 0; i < c->n_links; i++)
		if (c->links[i].index == index)
			return &c->links[i];
	return NULL;
}

/* The message with header as given and the attributes that are kept; flags: of an address. */
static void keep(struct buf *out, const struct nlmsghdr *h, const void *header, const uint32_t *flags)
{
	static const char padding[NLMSG_ALIGNTO];
	const struct kind *k = kind_of(h);
	size_t skip = NLMSG_ALIGN(k->header), len = NLMSG_PAYLOAD(h, skip);
	struct netlink_request q;

	netlink_begin(&q, h->nlmsg_type, 0, header, k->header);
	for (const struct rtattr *a = (const void *)((const char *)NLMSG_DATA(h) + skip); RTA_OK(a, len); a = RTA_NEXT(a, len)) {
		unsigned type = a->rta_type & NLA_TYPE_MASK;

		if (type < 32 && k->attributes & BIT(type))
			netlink_add(&q, (uint16_t)type, RTA_DATA(a), RTA_PAYLOAD(a));
	}
	if (flags)
		netlink_add_u32(&q, IFA_FLAGS, *flags);
	buf_append(out, &q, q.header.nlmsg_len);
	buf_append(out, padding, NLMSG_ALIGN(q.header.nlmsg_len) - q.header.nlmsg_len);
}

/* IPv6 addresses are not looked for on the network before they are used: they have been in use there. */
static int take_address(const struct nlmsghdr *h, void *arg)
{
	struct reading *d = arg;
	const struct ifaddrmsg *from = NLMSG_DATA(h);
	struct net_link *l;
	struct ifaddrmsg m;
	uint32_t flags;

	if (h->nlmsg_type != RTM_NEWADDR || !kind_of(h))
		return 0;
	m = *from;
	l = find_link(d->out, (int)m.ifa_index);
	flags = get_u32(h, sizeof(m), IFA_FLAGS, m.ifa_flags);
	if (!l || (m.ifa_family == AF_INET6 && !(flags & IFA_F_PERMANENT)))
		return 0;
	m.ifa_flags = 0;
	flags = (flags & IFA_F_NOPREFIXROUTE) | (m.ifa_family == AF_INET6 ? IFA_F_NODAD : 0);
	keep(&l->config, h, &m, &flags);
	return 0;
}

static bool is_of_interest(const struct nlmsghdr *h, const struct rtmsg *m)
{
	return (m->rtm_family == AF_INET || m->rtm_family == AF_INET6) && !(m->rtm_flags & RTM_F_CLONED) &&
	       get_u32(h, sizeof(*m), RTA_TABLE, m->rtm_table) != RT_TABLE_LOCAL && m->rtm_type != RTN_LOCAL &&
	       m->rtm_type != RTN_BROADCAST && m->rtm_type != RTN_ANYCAST && m->rtm_type != RTN_MULTICAST &&
	       m->rtm_protocol != RTPROT_KERNEL && m->rtm_protocol != RTPROT_RA && m->rtm_protocol != RTPROT_REDIRECT;
}

static int take_route(const struct nlmsghdr *h, void *arg)
{
	struct reading *d = arg;
	struct rtmsg m;
	struct net_link *l;
	bool direct;

	if (h->nlmsg_type != RTM_NEWROUTE || !kind_of(h))
		return 0;
	memcpy(&m, NLMSG_DATA(h), sizeof(m));
	if (!is_of_interest(h, &m))
		return 0;
	l = find_link(d->out, (int)get_u32(h, sizeof(m), RTA_OIF, 0));
	direct = !netlink_attribute(h, sizeof(m), RTA_GATEWAY, 4) && !netlink_attribute(h, sizeof(m), RTA_VIA, 2);
	m.rtm_flags &= RTNH_F_ONLINK;
	if (l && direct)
		keep(&l->config, h, &m, NULL);
	else if (l || netlink_attribute(h, sizeof(m), RTA_MULTIPATH, 1))
		keep(&d->out->routes, h, &m, NULL);
	return 0;
}

static int take_neighbour(const struct nlmsghdr *h, void *arg)
{
	struct reading *d = arg;
	struct net_link *l;
	struct ndmsg m;

	if (h->nlmsg_type != RTM_NEWNEIGH || !kind_of(h))
		return 0;
	memcpy(&m, NLMSG_DATA(h), sizeof(m));
	l = find_link(d->out, m.ndm_ifindex);
	if (l && m.ndm_state & NUD_PERMANENT)
		keep(&l->config, h, &m, NULL);
	return 0;
}

static int dump(int sock, uint16_t type, size_t header, netlink_take_fn *take, struct reading *d)
{
	const char nothing[32] = { 0 };
	struct netlink_request q;

	netlink_begin(&q, type, NLM_F_DUMP, nothing, header);
	return netlink_ask(sock, &q, take, d);
}

static int get_links(int sock, struct reading *d, struct error *err)
{
	int r = dump(sock, RTM_GETLINK, sizeof(struct ifinfomsg), take_link, d);

	if (r < 0)
		return error_errnum(err, r, "list the links of the network namespace");
	if (d->odd[0])
		return error_set(err, EINVAL, "network link \"%s\" is no Ethernet: it cannot be carried into a virtual machine", d->odd);
	return 0;
}

int net_config_get(int sock, const int *taps, size_t n, struct net_config *ret, struct error *err)
{
	static const struct {
		const char *what;
		uint16_t type;
		size_t header;
		netlink_take_fn *take;
	} rest[] = {
		{ "addresses", RTM_GETADDR, sizeof(struct ifaddrmsg), take_address },
		{ "routes", RTM_GETROUTE, sizeof(struct rtmsg), take_route },
		{ "neighbours", RTM_GETNEIGH, sizeof(struct ndmsg), take_neighbour },
	};
	struct reading d = { .taps = taps, .n_taps = n, .out = ret };
	int r;

	net_config_done(ret);
	r = get_links(sock, &d, err);
	for (size_t i = 0; r == 0 && ret->n_links > 0 && i < ARRAY_SIZE(rest); i++) {
		r = dump(sock, rest[i].type, rest[i].header, rest[i].take, &d);
		if (r < 0)
			r = error_errnum(err, r, "list the %s of the network namespace", rest[i].what);
	}
	return r;
}

int net_config_count(int sock, size_t *ret, struct error *err)
{
	_cleanup_net_config_ struct net_config c = { 0 };
	int r = get_links(sock, &(struct reading){ .out = &c }, err);

	if (r == 0)
		*ret = c.n_links;
	return r;
}

/* writing ------------------------------------------------------------------------------------------------------------------- */

struct flushing {
	int index;
	struct buf found;
};

static int take_to_flush(const struct nlmsghdr *h, void *arg)
{
	struct flushing *f = arg;
	const struct ifaddrmsg *m = NLMSG_DATA(h);

	if (h->nlmsg_type == RTM_NEWADDR && kind_of(h) && (int)m->ifa_index == f->index)
		keep(&f->found, h, m, NULL);
	return 0;
}

static int send_one(int sock, const struct nlmsghdr *h, uint16_t type, uint16_t flags)
{
	struct netlink_request q = { 0 };

	if (h->nlmsg_len > sizeof(q))
		return -EMSGSIZE;
	memcpy(&q, h, h->nlmsg_len);
	q.header.nlmsg_type = type;
	q.header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	return netlink_ask(sock, &q, NULL, NULL);
}

int net_config_flush(int sock, int index)
{
	const struct ifaddrmsg any = { 0 };
	struct flushing f = { .index = index };
	struct netlink_request q;
	const struct nlmsghdr *h;
	size_t left;
	int r;

	netlink_begin(&q, RTM_GETADDR, NLM_F_DUMP, &any, sizeof(any));
	r = netlink_ask(sock, &q, take_to_flush, &f);
	left = f.found.len;
	for (h = (const void *)f.found.data; r == 0 && left > 0 && NLMSG_OK(h, left); h = NLMSG_NEXT(h, left))
		send_one(sock, h, RTM_DELADDR, 0); /* a secondary one may have gone with its first */
	buf_done(&f.found);
	return r;
}

/* The link has another number here. */
static void renumber(struct nlmsghdr *h, const struct kind *k, int from, int to)
{
	void *at = k->index_at ? (char *)NLMSG_DATA(h) + k->index_at : (void *)netlink_attribute(h, k->header, RTA_OIF, sizeof(int));
	int index;

	if (!at)
		return;
	memcpy(&index, at, sizeof(index));
	if (index == from)
		memcpy(at, &to, sizeof(to));
}

int net_config_replay(int sock, int from, int to, const void *messages, size_t len, struct error *err)
{
	_cleanup_free_ char *copy = len ? xmemdup(messages, len) : NULL;
	struct nlmsghdr *h = (void *)copy;

	for (; len > 0 && NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
		const struct kind *k = kind_of(h);
		int r;

		if (!k)
			return error_set(err, EPROTO, "network: a message of type %u", h->nlmsg_type);
		renumber(h, k, from, to);
		r = send_one(sock, h, h->nlmsg_type, NLM_F_CREATE | NLM_F_REPLACE);
		if (r < 0)
			return error_errnum(err, r, "network: set %s", k->type == RTM_NEWADDR ? "an address" :
							       k->type == RTM_NEWROUTE ? "a route" : "a neighbour");
	}
	return 0;
}
