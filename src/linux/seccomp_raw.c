/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A filter that somebody else has compiled: struct sock_filter[] as seccomp(2) takes it. The kernel checks one when it is loaded, which is
 * when there is a container already, and says EINVAL. So it is checked before, in words: by what kernel/seccomp.c, seccomp_check_filter(),
 * and net/core/filter.c, bpf_check_classic(), have demanded since Linux 3.5. One thing is left to them: a load from scratch memory that
 * nothing has been stored to.
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <string.h>

#include "base/base64.h"
#include "base/mem.h"
#include "linux/seccomp.h"

#ifndef SECCOMP_RET_USER_NOTIF
#define SECCOMP_RET_USER_NOTIF 0x7fc00000U /* Linux 5.0 */
#endif

_Static_assert(sizeof(struct sock_filter) == 8, "an instruction is eight bytes");

/* What k of an instruction must be. */
enum operand {
	OPERAND_ANY,
	OPERAND_DATA,	 /* an aligned offset into struct seccomp_data */
	OPERAND_MEMORY,	 /* one of BPF_MEMWORDS words */
	OPERAND_DIVISOR,
	OPERAND_SHIFT,
	OPERAND_JUMP,	 /* forwards, to an instruction; also jt and jf */
	OPERAND_BRANCH,
	OPERAND_ACTION,
};

/* Every instruction that a filter may have. */
static const struct {
	uint16_t code;
	enum operand operand;
} instructions[] = {
	{ BPF_LD | BPF_W | BPF_ABS, OPERAND_DATA },
	{ BPF_LD | BPF_W | BPF_LEN, OPERAND_ANY },
	{ BPF_LDX | BPF_W | BPF_LEN, OPERAND_ANY },
	{ BPF_LD | BPF_IMM, OPERAND_ANY },
	{ BPF_LDX | BPF_IMM, OPERAND_ANY },
	{ BPF_LD | BPF_MEM, OPERAND_MEMORY },
	{ BPF_LDX | BPF_MEM, OPERAND_MEMORY },
	{ BPF_ST, OPERAND_MEMORY },
	{ BPF_STX, OPERAND_MEMORY },
	{ BPF_MISC | BPF_TAX, OPERAND_ANY },
	{ BPF_MISC | BPF_TXA, OPERAND_ANY },
	{ BPF_ALU | BPF_ADD | BPF_K, OPERAND_ANY },
	{ BPF_ALU | BPF_ADD | BPF_X, OPERAND_ANY },
	{ BPF_ALU | BPF_SUB | BPF_K, OPERAND_ANY },
	{ BPF_ALU | BPF_SUB | BPF_X, OPERAND_ANY },
	{ BPF_ALU | BPF_MUL | BPF_K, OPERAND_ANY },
	{ BPF_ALU | BPF_MUL | BPF_X, OPERAND_ANY },
	{ BPF_ALU | BPF_DIV | BPF_K, OPERAND_DIVISOR },
	{ BPF_ALU | BPF_DIV | BPF_X, OPERAND_ANY },
	{ BPF_ALU | BPF_AND | BPF_K, OPERAND_ANY },
	{ BPF_ALU | BPF_AND | BPF_X, OPERAND_ANY },
	{ BPF_ALU | BPF_OR | BPF_K, OPERAND_ANY },
	{ BPF_ALU | BPF_OR | BPF_X, OPERAND_ANY },
	{ BPF_ALU | BPF_XOR | BPF_K, OPERAND_ANY },
	{ BPF_ALU | BPF_XOR | BPF_X, OPERAND_ANY },
	{ BPF_ALU | BPF_LSH | BPF_K, OPERAND_SHIFT },
	{ BPF_ALU | BPF_LSH | BPF_X, OPERAND_ANY },
	{ BPF_ALU | BPF_RSH | BPF_K, OPERAND_SHIFT },
	{ BPF_ALU | BPF_RSH | BPF_X, OPERAND_ANY },
	{ BPF_ALU | BPF_NEG, OPERAND_ANY },
	{ BPF_JMP | BPF_JA, OPERAND_JUMP },
	{ BPF_JMP | BPF_JEQ | BPF_K, OPERAND_BRANCH },
	{ BPF_JMP | BPF_JEQ | BPF_X, OPERAND_BRANCH },
	{ BPF_JMP | BPF_JGE | BPF_K, OPERAND_BRANCH },
	{ BPF_JMP | BPF_JGE | BPF_X, OPERAND_BRANCH },
	{ BPF_JMP | BPF_JGT | BPF_K, OPERAND_BRANCH },
	{ BPF_JMP | BPF_JGT | BPF_X, OPERAND_BRANCH },
	{ BPF_JMP | BPF_JSET | BPF_K, OPERAND_BRANCH },
	{ BPF_JMP | BPF_JSET | BPF_X, OPERAND_BRANCH },
	{ BPF_RET | BPF_K, OPERAND_ACTION },
	{ BPF_RET | BPF_A, OPERAND_ANY },
};

/* What is wrong with the operand of an instruction that left others follow; NULL: nothing. */
static const char *check_operand(const struct sock_filter *i, enum operand operand, size_t left)
{
	switch (operand) {
	case OPERAND_ANY:
		return NULL;
	case OPERAND_DATA:
		return i->k < sizeof(struct seccomp_data) && i->k % 4 == 0 ? NULL : "loads from outside of struct seccomp_data";
	case OPERAND_MEMORY:
		return i->k < BPF_MEMWORDS ? NULL : "uses scratch memory that there is not";
	case OPERAND_DIVISOR:
		return i->k != 0 ? NULL : "divides by zero";
	case OPERAND_SHIFT:
		return i->k < 32 ? NULL : "shifts by more than 31 bits";
	case OPERAND_JUMP:
		return i->k < left ? NULL : "jumps out of the filter";
	case OPERAND_BRANCH:
		return i->jt < left && i->jf < left ? NULL : "jumps out of the filter";
	case OPERAND_ACTION:
		return (i->k & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_USER_NOTIF ? NULL :
										    "notifies a listener, which a raw filter has none of";
	}
	return NULL;
}

static const char *check_instruction(const struct sock_filter *insn, size_t left)
{
	for (size_t i = 0; i < ARRAY_SIZE(instructions); i++)
		if (instructions[i].code == insn->code)
			return check_operand(insn, instructions[i].operand, left);
	return "is none that a filter may have";
}

static int check(const struct sock_filter *insns, size_t n, struct error *err)
{
	uint16_t last = insns[n - 1].code;

	for (size_t i = 0; i < n; i++) {
		const char *wrong = check_instruction(&insns[i], n - i - 1);

		if (wrong)
			return error_set(err, EINVAL, "instruction %zu (code 0x%02x, k 0x%08x) %s", i, insns[i].code, insns[i].k, wrong);
	}
	if (last != (BPF_RET | BPF_K) && last != (BPF_RET | BPF_A))
		return error_set(err, EINVAL, "instruction %zu, the last one, does not return", n - 1);
	return 0;
}

int seccomp_raw_parse(const char *text, struct seccomp_filter *ret, struct error *err)
{
	_cleanup_free_ unsigned char *data = NULL;
	size_t len, n;
	int r;

	/* four characters for three bytes: nothing longer is looked at */
	if (strlen(text) > (BPF_MAXINSNS * sizeof(struct sock_filter) + 2) / 3 * 4)
		return error_set(err, E2BIG, "has more instructions than the kernel takes (%d)", BPF_MAXINSNS);
	if (base64_decode(text, &data, &len) < 0)
		return error_set(err, EINVAL, "is not base64 (RFC 4648: padded, without blanks)");
	n = len / sizeof(struct sock_filter);
	if (n == 0 || len % sizeof(struct sock_filter) != 0)
		return error_set(err, EINVAL, "has %zu bytes: a filter has instructions of %zu bytes, at least one", len,
				 sizeof(struct sock_filter));
	ret->insns = xcalloc(n, sizeof(*ret->insns));
	memcpy(ret->insns, data, len);
	ret->n_insns = (unsigned short)n;
	r = check(ret->insns, n, err);
	if (r < 0)
		seccomp_filter_done(ret);
	return r;
}
