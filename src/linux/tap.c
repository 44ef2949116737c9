/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tap devices (Documentation/networking/tuntap.rst) joined with links by tc: an ingress qdisc on either side, and on it one u32 filter that
 * matches every frame and redirects it to the other's egress (tc-u32(8), tc-mirred(8)). Needed of the kernel: tun, sch_ingress, cls_u32,
 * act_mirred; matchall would say the same, but is newer and rarer.
 *
 * Our filter is known by its priority: so what a killed worker left on a link can be told from what others put there.
 */
#include "linux/tap.h"

#include <errno.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/tc_act/tc_mirred.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/fd.h"
#include "base/mem.h"
#include "linux/netlink.h"
#include "linux/sys.h"

enum {
	PRIORITY = 0x4856,		    /* ours */
	INGRESS_HANDLE = 0xffff0000u >> 16, /* of the only ingress qdisc that a link can have */
};

int tap_open(int *ret_index, struct error *err)
{
	_cleanup_fd_ int fd = sys_openat(AT_FDCWD, "/dev/net/tun", O_RDWR | O_CLOEXEC, 0), sock = -1;
	struct ifreq ifr = { .ifr_name = "hvnew%d", .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };

	if (fd < 0)
		return error_errnum(err, fd, "open /dev/net/tun");
	if (ioctl(fd, TUNSETIFF, &ifr) < 0)
		return error_errno(err, "make a tap device");
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0 || ioctl(sock, SIOCGIFINDEX, &ifr) < 0)
		return error_errno(err, "tap device %s", ifr.ifr_name);
	*ret_index = ifr.ifr_ifindex;
	return TAKE_FD(fd);
}

static int qdisc(int sock, uint16_t type, uint16_t flags, int link)
{
	const struct tcmsg m = { .tcm_ifindex = link, .tcm_handle = (uint32_t)INGRESS_HANDLE << 16, .tcm_parent = TC_H_INGRESS };
	struct netlink_request q;

	netlink_begin(&q, type, flags, &m, sizeof(m));
	netlink_add_string(&q, TCA_KIND, "ingress");
	return netlink_ask(sock, &q, NULL, NULL);
}

static void begin_filter(struct netlink_request *q, uint16_t type, uint16_t flags, int link)
{
	const struct tcmsg m = { .tcm_ifindex = link, .tcm_parent = (uint32_t)INGRESS_HANDLE << 16,
				 .tcm_info = TC_H_MAKE((uint32_t)PRIORITY << 16, htons(ETH_P_ALL)) };

	netlink_begin(q, type, flags, &m, sizeof(m));
	netlink_add_string(q, TCA_KIND, "u32");
}

static void add_redirect(struct netlink_request *q, int to)
{
	const struct tc_mirred redirect = { .action = TC_ACT_STOLEN, .eaction = TCA_EGRESS_REDIR, .ifindex = (uint32_t)to };
	size_t actions = netlink_nest(q, TCA_U32_ACT), first = netlink_nest(q, 1), options;

	netlink_add_string(q, TCA_ACT_KIND, "mirred");
	options = netlink_nest(q, TCA_ACT_OPTIONS);
	netlink_add(q, TCA_MIRRED_PARMS, &redirect, sizeof(redirect));
	netlink_nest_end(q, options);
	netlink_nest_end(q, first);
	netlink_nest_end(q, actions);
}

static int redirect(int sock, int from, int to)
{
	/* one key, all zero, that asks for nothing: every frame */
	const struct tc_u32_sel sel = { .flags = TC_U32_TERMINAL, .nkeys = 1 };
	unsigned char all[sizeof(sel) + sizeof(struct tc_u32_key)] = { 0 };
	struct netlink_request q;
	size_t options;

	begin_filter(&q, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, from);
	options = netlink_nest(&q, TCA_OPTIONS);
	add_redirect(&q, to);
	memcpy(all, &sel, sizeof(sel));
	netlink_add(&q, TCA_U32_SEL, all, sizeof(all));
	netlink_nest_end(&q, options);
	return netlink_ask(sock, &q, NULL, NULL);
}

/* Up, with the link's MTU; without an address of its own it sends no router solicitations and no reports of its groups. */
static int set_up(int sock, int tap, uint32_t mtu)
{
	const struct ifinfomsg m = { .ifi_index = tap, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	const uint8_t mode = 1; /* IN6_ADDR_GEN_MODE_NONE */
	struct netlink_request q;
	size_t spec, inet6;

	netlink_begin(&q, RTM_NEWLINK, 0, &(struct ifinfomsg){ .ifi_index = tap }, sizeof(m));
	spec = netlink_nest(&q, IFLA_AF_SPEC);
	inet6 = netlink_nest(&q, AF_INET6);
	netlink_add(&q, IFLA_INET6_ADDR_GEN_MODE, &mode, sizeof(mode));
	netlink_nest_end(&q, inet6);
	netlink_nest_end(&q, spec);
	netlink_ask(sock, &q, NULL, NULL); /* a kernel without IPv6 has nothing to keep quiet */

	netlink_begin(&q, RTM_NEWLINK, 0, &m, sizeof(m));
	netlink_add_u32(&q, IFLA_MTU, mtu);
	return netlink_ask(sock, &q, NULL, NULL);
}

static void make_name(int link, char name[IFNAMSIZ])
{
	snprintf(name, IFNAMSIZ, "hvtap%d", link);
}

/* The name says whose tap it is: that it is in use says that the link is. */
static int rename_tap(int sock, int tap, int link)
{
	struct netlink_request q;
	char name[IFNAMSIZ];

	make_name(link, name);
	netlink_begin(&q, RTM_NEWLINK, 0, &(struct ifinfomsg){ .ifi_index = tap }, sizeof(struct ifinfomsg));
	netlink_add_string(&q, IFLA_IFNAME, name);
	return netlink_ask(sock, &q, NULL, NULL);
}

static int join(int sock, int tap, int link, uint32_t mtu)
{
	int r = qdisc(sock, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, tap);

	if (r == 0)
		r = redirect(sock, tap, link);
	if (r == 0)
		r = redirect(sock, link, tap);
	return r < 0 ? r : set_up(sock, tap, mtu);
}

/* And the qdisc, when it was ours. */
static int remove_filter(int sock, int link)
{
	struct netlink_request q;
	int r;

	begin_filter(&q, RTM_DELTFILTER, 0, link);
	if (netlink_ask(sock, &q, NULL, NULL) < 0)
		return 0; /* there is none of ours */
	r = qdisc(sock, RTM_DELQDISC, 0, link);
	return r == -ENOENT || r == -ENODEV ? 0 : r;
}

int tap_join(int sock, int tap, int link, uint32_t mtu, struct error *err)
{
	int r = rename_tap(sock, tap, link);

	if (r == -EEXIST)
		return error_set(err, EBUSY, "another virtual machine has it");
	if (r < 0)
		return error_errnum(err, r, "name its tap");
	remove_filter(sock, link);
	r = qdisc(sock, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, link);
	if (r == -EEXIST || r == -EBUSY)
		return error_set(err, EBUSY, "its incoming traffic is somebody else's: it has an ingress or clsact qdisc");
	if (r < 0)
		return error_errnum(err, r, "add an ingress qdisc (the host's kernel needs CONFIG_NET_SCH_INGRESS)");
	r = join(sock, tap, link, mtu);
	if (r < 0) {
		qdisc(sock, RTM_DELQDISC, 0, link);
		return error_errnum(err, r, "join it with a tap (the host's kernel needs CONFIG_NET_CLS_U32 and CONFIG_NET_ACT_MIRRED)");
	}
	return 0;
}

int tap_leave(int sock, int tap, int link, struct error *err)
{
	struct netlink_request q;
	char name[IFNAMSIZ];
	int r;

	remove_filter(sock, link); /* where the link is still there */
	r = qdisc(sock, RTM_DELQDISC, 0, tap);
	if (r == 0) {
		snprintf(name, sizeof(name), "hvnew.%d", tap);
		netlink_begin(&q, RTM_NEWLINK, 0, &(struct ifinfomsg){ .ifi_index = tap, .ifi_change = IFF_UP }, sizeof(struct ifinfomsg));
		r = netlink_ask(sock, &q, NULL, NULL);
	}
	if (r == 0) {
		netlink_begin(&q, RTM_NEWLINK, 0, &(struct ifinfomsg){ .ifi_index = tap }, sizeof(struct ifinfomsg));
		netlink_add_string(&q, IFLA_IFNAME, name);
		r = netlink_ask(sock, &q, NULL, NULL);
	}
	return r < 0 ? error_errnum(err, r, "take the tap from it") : 0;
}

int tap_part(int sock, int link, struct error *err)
{
	struct netlink_link tap;
	char name[IFNAMSIZ];
	int r;

	make_name(link, name);
	if (netlink_find_link(sock, name, &tap) == 0)
		return 0;
	r = remove_filter(sock, link);
	return r < 0 ? error_errnum(err, r, "remove the ingress qdisc") : 0;
}
