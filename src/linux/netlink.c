/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rtnetlink(7), as far as linux.netDevices needs it: requests of bounded size, each answered by an
 * acknowledgement or a dump. What comes back is read within the bounds that the kernel's own headers of the
 * messages give, and checked against them all the same.
 */
#include "linux/netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/process.h"
#include "linux/sys.h"

enum { ANSWER_MAX = 32768, TIMEOUT_S = 10 };

static int open_here(struct error *err)
{
	const struct timeval timeout = { .tv_sec = TIMEOUT_S };
	const int one = 1;
	_cleanup_fd_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0)
		return error_errno(err, "netlink socket");
	/* the kernel then looks closely at what a dump is to be about (4.20); before, it tells more than
	 * asked */
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	return TAKE_FD(fd);
}

static int open_there(int netns_fd, struct error *err)
{
	int r = sys_setns(netns_fd, CLONE_NEWNET);

	return r < 0 ? error_errnum(err, r, "join the network namespace") : open_here(err);
}

static _noreturn_ void open_and_send(int netns_fd, int sock)
{
	struct error err = { 0 };
	int fd = open_there(netns_fd, &err);

	_exit(fd_send(sock, &err, sizeof(err), &fd, fd < 0 ? 0 : 1) < 0);
}

/* By a child, which need not come back. */
static int open_by_child(int netns_fd, struct error *err)
{
	struct error answer;
	int pair[2], fd = -1, status, r = fd_socketpair(SOCK_STREAM, pair);
	size_t n_fds = 0;
	ssize_t n;
	pid_t pid;

	if (r < 0)
		return error_errnum(err, r, "socketpair");
	pid = fork();
	if (pid == 0)
		open_and_send(netns_fd, pair[1]);
	r = pid < 0 ? error_errno(err, "fork") : 0;
	fd_close(pair[1]);
	n = r < 0 ? r : fd_recv(pair[0], &answer, sizeof(answer), &fd, 1, &n_fds);
	fd_close(pair[0]);
	if (pid > 0)
		process_wait(pid, &status);
	if (r < 0 || n_fds == 1)
		return r < 0 ? r : fd;
	if (n != (ssize_t)sizeof(answer) || !answer.code)
		return error_set(err, EIO, "netlink socket: who was to open it has gone");
	*err = answer;
	return -err->code;
}

/* Into a namespace that belongs to a user namespace root of that may go, but not back to the host's: only who could go where it is may leave it. */
int netlink_open(int netns_fd, struct error *err)
{
	_cleanup_fd_ int own = -1, fd = -1;
	int r;

	if (netns_fd < 0)
		return open_here(err);
	own = sys_openat(AT_FDCWD, "/proc/self/ns/net", O_RDONLY | O_CLOEXEC, 0);
	r = own < 0 ? own : sys_setns(own, CLONE_NEWNET);
	if (r == -EPERM)
		return open_by_child(netns_fd, err);
	if (r == 0)
		r = sys_setns(netns_fd, CLONE_NEWNET);
	if (r < 0)
		return error_errnum(err, r, "join the network namespace");
	fd = open_here(err);
	r = sys_setns(own, CLONE_NEWNET);
	if (r < 0)
		return error_errnum(err, r, "return to the network namespace");
	return TAKE_FD(fd);
}

int netlink_watch(uint32_t groups, struct error *err)
{
	const struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = groups };
	_cleanup_fd_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return error_errno(err, "netlink socket for changes");
	return TAKE_FD(fd);
}

/* That some were lost (ENOBUFS) says that there was a change, which is known. */
void netlink_drain(int sock)
{
	char byte;

	while (recv(sock, &byte, sizeof(byte), MSG_TRUNC | MSG_DONTWAIT) >= 0 || errno == ENOBUFS || errno == EINTR)
		;
}

void netlink_begin(struct netlink_request *q, uint16_t type, uint16_t flags, const void *body, size_t len)
{
	memset(q, 0, sizeof(*q));
	q->header.nlmsg_type = type;
	q->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	q->header.nlmsg_len = (uint32_t)NLMSG_LENGTH(len);
	memcpy(q->body, body, len);
}

/* Callers' attributes are names, addresses and numbers: they always fit. */
void netlink_add(struct netlink_request *q, uint16_t type, const void *data, size_t len)
{
	size_t at = NLMSG_ALIGN(q->header.nlmsg_len);
	struct rtattr a = { .rta_len = (uint16_t)RTA_LENGTH(len), .rta_type = type };

	if (at + RTA_SPACE(len) > sizeof(*q))
		return;
	memcpy((char *)q + at, &a, sizeof(a));
	if (len > 0)
		memcpy((char *)q + at + RTA_LENGTH(0), data, len);
	q->header.nlmsg_len = (uint32_t)(at + RTA_LENGTH(len));
}

void netlink_add_u32(struct netlink_request *q, uint16_t type, uint32_t value)
{
	netlink_add(q, type, &value, sizeof(value));
}

void netlink_add_string(struct netlink_request *q, uint16_t type, const char *s)
{
	netlink_add(q, type, s, strlen(s) + 1);
}

size_t netlink_nest(struct netlink_request *q, uint16_t type)
{
	size_t at = NLMSG_ALIGN(q->header.nlmsg_len);

	netlink_add(q, type, NULL, 0);
	return at;
}

void netlink_nest_end(struct netlink_request *q, size_t nest)
{
	struct rtattr *a = (struct rtattr *)((char *)q + nest);

	a->rta_len = (uint16_t)(q->header.nlmsg_len - nest);
}

const void *netlink_attribute(const struct nlmsghdr *h, size_t header_len, uint16_t type, size_t min_len)
{
	size_t skip = NLMSG_ALIGN(header_len), len = NLMSG_PAYLOAD(h, skip);

	if (h->nlmsg_len < NLMSG_LENGTH(skip))
		return NULL;
	for (const struct rtattr *a = (const void *)((const char *)NLMSG_DATA(h) + skip); RTA_OK(a, len);
	     a = RTA_NEXT(a, len))
		if ((a->rta_type & NLA_TYPE_MASK) == type)
			return RTA_PAYLOAD(a) >= min_len ? RTA_DATA(a) : NULL;
	return NULL;
}

/* The messages of one datagram. Returns 1 after the last message of all, 0 for more to come, < 0. */
static int take_datagram(const char *buf, size_t len, uint32_t seq, netlink_take_fn *take, void *arg)
{
	const struct nlmsghdr *h = (const struct nlmsghdr *)buf;

	for (; NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
		int r = 0;

		if (h->nlmsg_seq != seq)
			continue;
		if (h->nlmsg_type == NLMSG_DONE)
			return 1;
		if (h->nlmsg_type == NLMSG_ERROR) {
			const struct nlmsgerr *e = NLMSG_DATA(h);

			if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*e)))
				return -EPROTO;
			return e->error < 0 ? e->error : 1;
		}
		if (take)
			r = take(h, arg);
		if (r < 0)
			return r;
	}
	return 0;
}

int netlink_ask(int sock, struct netlink_request *q, netlink_take_fn *take, void *arg)
{
	static uint32_t last_seq;
	_Alignas(struct nlmsghdr) char buf[ANSWER_MAX];
	int r = 0;

	q->header.nlmsg_seq = ++last_seq;
	if ((q->header.nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		q->header.nlmsg_flags |= NLM_F_ACK;
	if (send(sock, q, q->header.nlmsg_len, 0) != (ssize_t)q->header.nlmsg_len)
		return -errno;
	while (r == 0) {
		ssize_t n = recv(sock, buf, sizeof(buf), MSG_TRUNC);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if ((size_t)n > sizeof(buf))
			return -EMSGSIZE;
		r = take_datagram(buf, (size_t)n, last_seq, take, arg);
	}
	return r < 0 ? r : 0;
}

static int take_link(const struct nlmsghdr *h, void *arg)
{
	struct netlink_link *ret = arg;
	const struct ifinfomsg *info = NLMSG_DATA(h);

	if (h->nlmsg_type != RTM_NEWLINK || h->nlmsg_len < NLMSG_LENGTH(sizeof(*info)))
		return -EPROTO;
	ret->index = info->ifi_index;
	ret->flags = info->ifi_flags;
	return 0;
}

int netlink_find_link(int sock, const char *name, struct netlink_link *ret)
{
	const struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	struct netlink_request q;

	if (!name[0] || strlen(name) >= IFNAMSIZ)
		return -ENODEV;
	netlink_begin(&q, RTM_GETLINK, 0, &info, sizeof(info));
	netlink_add_string(&q, IFLA_IFNAME, name);
	return netlink_ask(sock, &q, take_link, ret);
}

int netlink_find_link_index(int sock, int index, struct netlink_link *ret)
{
	const struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_index = index };
	struct netlink_request q;

	netlink_begin(&q, RTM_GETLINK, 0, &info, sizeof(info));
	return netlink_ask(sock, &q, take_link, ret);
}

struct address_list {
	int index;
	struct netlink_address *v;
	size_t n;
};

static void take_attribute(const struct rtattr *a, struct netlink_address *ret, uint32_t *flags)
{
	size_t len = RTA_PAYLOAD(a);

	if (a->rta_type == IFA_FLAGS && len == sizeof(*flags))
		memcpy(flags, RTA_DATA(a), len);
	if (len != ret->len)
		return;
	if (a->rta_type == IFA_LOCAL)
		memcpy(ret->local, RTA_DATA(a), len);
	if (a->rta_type == IFA_ADDRESS)
		memcpy(ret->peer, RTA_DATA(a), len);
	if (a->rta_type == IFA_BROADCAST)
		memcpy(ret->broadcast, RTA_DATA(a), len);
	ret->has_peer |= a->rta_type == IFA_LOCAL; /* without one IFA_ADDRESS is the address itself */
	ret->has_broadcast |= a->rta_type == IFA_BROADCAST;
}

static int take_address(const struct nlmsghdr *h, void *arg)
{
	struct address_list *list = arg;
	const struct ifaddrmsg *m = NLMSG_DATA(h);
	struct netlink_address a = { 0 };
	uint32_t flags;
	size_t len;

	if (h->nlmsg_type != RTM_NEWADDR || h->nlmsg_len < NLMSG_LENGTH(sizeof(*m)))
		return -EPROTO;
	if ((int)m->ifa_index != list->index || m->ifa_scope != RT_SCOPE_UNIVERSE ||
	    (m->ifa_family != AF_INET && m->ifa_family != AF_INET6))
		return 0;
	a.family = m->ifa_family;
	a.prefix_len = m->ifa_prefixlen;
	a.len = m->ifa_family == AF_INET ? 4 : 16;
	flags = m->ifa_flags;
	len = IFA_PAYLOAD(h);
	for (const struct rtattr *r = IFA_RTA(m); RTA_OK(r, len); r = RTA_NEXT(r, len))
		take_attribute(r, &a, &flags);
	if (!(flags & IFA_F_PERMANENT))
		return 0;
	if (!a.has_peer)
		memcpy(a.local, a.peer, sizeof(a.local));
	if (list->n == NETLINK_ADDRESSES_MAX)
		return -E2BIG;
	list->v[list->n++] = a;
	return 0;
}

int netlink_addresses(int sock, int index, struct netlink_address *ret, size_t *ret_n)
{
	const struct ifaddrmsg m = { .ifa_index = (unsigned)index };
	struct address_list list = { .index = index, .v = ret };
	struct netlink_request q;
	int r;

	netlink_begin(&q, RTM_GETADDR, NLM_F_DUMP, &m, sizeof(m));
	r = netlink_ask(sock, &q, take_address, &list);
	if (r == 0)
		*ret_n = list.n;
	return r;
}

int netlink_add_address(int sock, int index, const struct netlink_address *a)
{
	const struct ifaddrmsg m = {
		.ifa_family = a->family,
		.ifa_prefixlen = a->prefix_len,
		.ifa_scope = RT_SCOPE_UNIVERSE,
		.ifa_index = (unsigned)index,
	};
	struct netlink_request q;

	netlink_begin(&q, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &m, sizeof(m));
	netlink_add(&q, IFA_LOCAL, a->local, a->len);
	netlink_add(&q, IFA_ADDRESS, a->has_peer ? a->peer : a->local, a->len);
	if (a->has_broadcast)
		netlink_add(&q, IFA_BROADCAST, a->broadcast, a->len);
	return netlink_ask(sock, &q, NULL, NULL);
}

int netlink_move_link(int sock, int index, int netns_fd, const char *name)
{
	const struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_index = index };
	const uint32_t fd = (uint32_t)netns_fd;
	struct netlink_request q;

	netlink_begin(&q, RTM_NEWLINK, 0, &info, sizeof(info));
	netlink_add(&q, IFLA_NET_NS_FD, &fd, sizeof(fd));
	netlink_add_string(&q, IFLA_IFNAME, name);
	return netlink_ask(sock, &q, NULL, NULL);
}

int netlink_set_up(int sock, int index)
{
	const struct ifinfomsg info = {
		.ifi_family = AF_UNSPEC, .ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP
	};
	struct netlink_request q;

	netlink_begin(&q, RTM_NEWLINK, 0, &info, sizeof(info));
	return netlink_ask(sock, &q, NULL, NULL);
}
