/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_NETLINK_H
#define HV_LINUX_NETLINK_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * The few requests of rtnetlink(7) that moving an interface takes. Parent side. A socket speaks about the
 * network namespace that it was made in. Unless said otherwise: 0 or -errno, the kernel's own.
 */

struct netlink_link {
	int index;
	unsigned flags; /* IFF_* */
};

struct netlink_address {
	uint8_t family, prefix_len;
	uint8_t len; /* of each of these; 0 of those that it does not have */
	uint8_t local[16], peer[16], broadcast[16];
	uint8_t has_peer, has_broadcast;
};

enum { NETLINK_ADDRESSES_MAX = 256 };

/* A socket for netns_fd (-1: the caller's network namespace). CLOEXEC, or < 0. */
int netlink_open(int netns_fd, struct error *err);

/*
 * A socket, nonblocking, that becomes readable when something changes in the caller's network namespace: groups is a mask of RTMGRP_*
 * (rtnetlink(7)). What it says has only to be read away (netlink_drain()). CLOEXEC, or < 0.
 */
int netlink_watch(uint32_t groups, struct error *err);
void netlink_drain(int sock);

/* The same as the next by its number. */
int netlink_find_link_index(int sock, int index, struct netlink_link *ret);

/* -ENODEV when there is none of that name. */
int netlink_find_link(int sock, const char *name, struct netlink_link *ret);

/* The addresses of a link that would survive anything but their removal: permanent ones of global scope. ret
 * has room for NETLINK_ADDRESSES_MAX; -E2BIG when there are more. */
int netlink_addresses(int sock, int index, struct netlink_address *ret, size_t *ret_n);

int netlink_add_address(int sock, int index, const struct netlink_address *a);

/* Into the network namespace netns_fd, and to that name there. The link is down afterwards and has no
 * addresses. */
int netlink_move_link(int sock, int index, int netns_fd, const char *name);

int netlink_set_up(int sock, int index);

/* Requests of one's own: a message's header (struct ifinfomsg ...), then attributes, which must fit. */
enum { NETLINK_REQUEST_MAX = 2048 };
struct netlink_request {
	struct nlmsghdr header;
	char body[NETLINK_REQUEST_MAX];
};
void netlink_begin(struct netlink_request *q, uint16_t type, uint16_t flags, const void *body, size_t len);
void netlink_add(struct netlink_request *q, uint16_t type, const void *data, size_t len);
void netlink_add_u32(struct netlink_request *q, uint16_t type, uint32_t value);
void netlink_add_string(struct netlink_request *q, uint16_t type, const char *s);

/* Attributes that are added between these two are inside one of that type. */
size_t netlink_nest(struct netlink_request *q, uint16_t type);
void netlink_nest_end(struct netlink_request *q, size_t nest);

/* Called for each message of the answer (NLM_F_DUMP); < 0 ends it with that. */
typedef int netlink_take_fn(const struct nlmsghdr *h, void *arg);
int netlink_ask(int sock, struct netlink_request *q, netlink_take_fn *take, void *arg);

/* The attribute of a message whose own header is as long as that, or NULL when it is absent or its data
 * shorter than min_len. */
const void *netlink_attribute(const struct nlmsghdr *h, size_t header_len, uint16_t type, size_t min_len);

#endif
