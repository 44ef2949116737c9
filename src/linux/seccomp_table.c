/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Most rules of most profiles say no more than "this call: this answer". For them it needs no compiler: a list of numbers, sorted, with equal
 * answers of neighbours made one range, and a binary search over the ranges, is both the shortest filter and the one that answers
 * soonest, and it is made in a fraction of the time (libseccomp's generator is quadratic in the number of rules). What is left, rules about
 * arguments, calls that two rules speak of, and those that some architectures have in two ways, goes through libseccomp: its filter comes
 * after the table and answers to what the table does not.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <ocispec/types.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/str.h"
#include "linux/seccomp_internal.h"

/* On x86, s390, MIPS, PowerPC and others these can also be had through socketcall(2) and ipc(2), whose first argument says which. */
static const char *const multiplexed[] = {
	"accept",  "accept4", "bind",	"connect",    "getpeername", "getsockname", "getsockopt", "ipc",      "listen",     "msgctl",
	"msgget",  "msgrcv",  "msgsnd", "recv",	      "recvfrom",    "recvmmsg",    "recvmsg",	  "semctl",   "semget",     "semop",
	"send",	   "sendmmsg", "sendmsg", "semtimedop", "sendto",      "setsockopt",  "shmat",	  "shmctl",   "shmdt",      "shmget",
	"shutdown", "socket", "socketcall", "socketpair",
};

static bool is_multiplexed(const char *name)
{
	return str_index(multiplexed, ARRAY_SIZE(multiplexed), name) >= 0;
}

static int compare_numbers(const void *a, const void *b)
{
	const struct seccomp_name *x = *(struct seccomp_name *const *)a, *y = *(struct seccomp_name *const *)b;

	return (x->number > y->number) - (x->number < y->number);
}

/* Whether one answer is all that is said about the call of these names, which all have its number. */
static bool is_plain(struct seccomp_name *const *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i]->conditional || v[i]->action != v[0]->action || is_multiplexed(v[i]->name))
			return false;
	return true;
}

void seccomp_mark_plain(struct seccomp_name *names, size_t n)
{
	_cleanup_free_ struct seccomp_name **sorted = xcalloc(n + 1, sizeof(*sorted));
	size_t end;

	for (size_t i = 0; i < n; i++)
		sorted[i] = &names[i];
	qsort(sorted, n, sizeof(*sorted), compare_numbers);
	for (size_t i = 0; i < n; i = end) {
		bool plain;

		for (end = i + 1; end < n && sorted[end]->number == sorted[i]->number;)
			end++;
		plain = is_plain(sorted + i, end - i);
		for (size_t k = i; k < end; k++)
			sorted[k]->plain = plain;
	}
}

/* From "first" on, up to the next range's first. */
struct range {
	uint32_t first;
	uint32_t action;
	bool answered; /* else left to what follows the table */
};

struct answer {
	uint32_t number, action;
};

static int compare_answers(const void *a, const void *b)
{
	const struct answer *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static void add_range(struct range *v, size_t *n, struct range r)
{
	struct range *last = *n > 0 ? &v[*n - 1] : NULL;

	if (last && last->first == r.first)
		(*n)--; /* empty */
	last = *n > 0 ? &v[*n - 1] : NULL;
	if (!last || last->answered != r.answered || (r.answered && last->action != r.action))
		v[(*n)++] = r;
}

/* All numbers there are, as ranges: v has room for 2 * n + 1. Returns how many, 0 when a number has two answers. */
static size_t make_ranges(struct answer *answers, size_t n, struct range *v)
{
	size_t n_ranges = 0;

	qsort(answers, n, sizeof(*answers), compare_answers);
	add_range(v, &n_ranges, (struct range){ 0 });
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && answers[i].number == answers[i - 1].number) {
			if (answers[i].action != answers[i - 1].action)
				return 0;
			continue;
		}
		add_range(v, &n_ranges, (struct range){ answers[i].number, answers[i].action, true });
		add_range(v, &n_ranges, (struct range){ .first = answers[i].number + 1 });
	}
	return n_ranges;
}

enum { TO_THE_END = UINT32_MAX, JUMP_MAX = UINT8_MAX };

/*
 * A search for the accumulator among the ranges; out has room for 3 * n. Returns how many instructions: one for each range, one or two for
 * each place where two parts meet.
 */
static size_t write_search(const struct range *v, size_t n, struct sock_filter *out)
{
	size_t half = n / 2, head = 1, left;

	if (n == 1) {
		*out = v->answered ? (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, v->action) :
				     (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, TO_THE_END);
		return 1;
	}
	left = write_search(v, half, out + head);
	if (left <= JUMP_MAX) {
		out[0] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, v[half].first, (uint8_t)left, 0);
	} else { /* too far for a conditional jump */
		head = 2;
		memmove(out + 2, out + 1, left * sizeof(*out));
		out[0] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, v[half].first, 0, 1);
		out[1] = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, (uint32_t)left);
	}
	return head + left + write_search(v + half, n - half, out + head + left);
}

/* The kernel's name of an architecture: x32 is one of x86-64's numbers. */
static uint32_t audit_arch(uint32_t arch)
{
	return arch == SCMP_ARCH_X32 ? AUDIT_ARCH_X86_64 : arch;
}

static size_t collect(const struct seccomp_name *names, size_t n, uint32_t arch, struct answer *ret)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		int number = names[i].plain ? seccomp_syscall_resolve_name_arch(arch, names[i].name) : -1;

		if (number >= 0) /* negative: not a call of this architecture */
			ret[count++] = (struct answer){ (uint32_t)number, names[i].action };
	}
	return count;
}

/*
 * What the calls of one of the kernel's architectures, the i-th's, are answered with: into out, its length into *len; nothing when it had its
 * turn. False: a number has two answers.
 */
static bool write_architecture(const struct seccomp_profile *p, size_t i, struct answer *answers, struct sock_filter *out, size_t *len)
{
	_cleanup_free_ struct range *ranges = NULL;
	uint32_t arch = audit_arch(p->architectures[i]);
	size_t n = 0, n_ranges;

	*len = 0;
	for (size_t k = 0; k < p->n_architectures; k++) {
		if (audit_arch(p->architectures[k]) != arch)
			continue;
		if (k < i)
			return true;
		n += collect(p->names, p->n_names, p->architectures[k], answers + n);
	}
	if (n == 0)
		return true;
	ranges = xcalloc(2 * n + 1, sizeof(*ranges));
	n_ranges = make_ranges(answers, n, ranges);
	if (n_ranges == 0)
		return false;
	*len = write_search(ranges, n_ranges, out + 4) + 4;
	out[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	out[1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, arch, 1, 0);
	out[2] = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, (uint32_t)(*len - 3));
	out[3] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	return true;
}

bool seccomp_table(const struct seccomp_profile *p, struct sock_filter **ret, size_t *ret_n)
{
	size_t room = p->n_names * p->n_architectures; /* answers, of all architectures together */
	_cleanup_free_ struct answer *answers = xcalloc(room + 1, sizeof(*answers));
	_cleanup_free_ struct sock_filter *out = xcalloc(3 * (2 * room + p->n_architectures) + 4 * p->n_architectures, sizeof(*out));
	size_t n = 0, len;

	for (size_t i = 0; i < p->n_architectures; i++, n += len)
		if (!write_architecture(p, i, answers, out + n, &len))
			return false;
	for (size_t i = 0; i < n; i++)
		if (out[i].code == (BPF_JMP | BPF_JA) && out[i].k == TO_THE_END)
			out[i].k = (uint32_t)(n - i - 1);
	*ret = TAKE_PTR(out);
	*ret_n = n;
	return true;
}
