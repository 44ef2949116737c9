/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Device rules of cgroup v2: a BPF_PROG_TYPE_CGROUP_DEVICE program (bpf(2), kernel 4.15) that the kernel runs
 * on every open and mknod of a device in the group. The generator is pure; attaching replaces what was
 * attached to the group before, the new program first, so that there is no moment without one.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "linux/cgroup/devices.h"
#include "linux/sys.h"

/*
 * Registers of the program. r1 points to struct bpf_cgroup_dev_ctx when it starts. REMAINING holds the access
 * bits that no rule has decided yet.
 */
enum {
	R_RESULT = BPF_REG_0,
	R_CONTEXT = BPF_REG_1,
	R_TYPE = BPF_REG_2,
	R_REMAINING = BPF_REG_3,
	R_MAJOR = BPF_REG_4,
	R_MINOR = BPF_REG_5
};

enum { RULE_INSNS_MAX = 8, FRAME_INSNS = 8 };

#define INSN(c, d, s, o, i)                                                                                  \
	((struct bpf_insn){.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)})
#define LOAD_CONTEXT(reg, field)                                                                             \
	INSN(BPF_LDX | BPF_MEM | BPF_W, (reg), R_CONTEXT, (short)offsetof(struct bpf_cgroup_dev_ctx, field), \
	     0)
#define ALU_IMM(op, reg, value) INSN(BPF_ALU | (op) | BPF_K, (reg), 0, 0, (value))
#define MOVE(to, from) INSN(BPF_ALU | BPF_MOV | BPF_X, (to), (from), 0, 0)
#define JUMP_IMM(op, reg, value, off) INSN(BPF_JMP | (op) | BPF_K, (reg), 0, (off), (value))
#define JUMP32_NE(reg, value) INSN(BPF_JMP32 | BPF_JNE | BPF_K, (reg), 0, 0, (value))
#define RETURN INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

struct program {
	struct bpf_insn *insns;
	size_t n;
};

static void emit(struct program *p, struct bpf_insn insn)
{
	p->insns[p->n++] = insn;
}

static void emit_return(struct program *p, int value)
{
	emit(p, ALU_IMM(BPF_MOV, R_RESULT, value));
	emit(p, RETURN);
}

/* access_type is the access bits in the upper half, the device type in the lower one (linux/bpf.h). */
static void emit_prologue(struct program *p)
{
	emit(p, LOAD_CONTEXT(R_TYPE, access_type));
	emit(p, MOVE(R_REMAINING, R_TYPE));
	emit(p, ALU_IMM(BPF_RSH, R_REMAINING, 16));
	emit(p, ALU_IMM(BPF_AND, R_TYPE, 0xffff));
	emit(p, LOAD_CONTEXT(R_MAJOR, major));
	emit(p, LOAD_CONTEXT(R_MINOR, minor));
}

/* Numbers up to 2^32 - 1 are compared as 32-bit ones, for a 64-bit comparison extends its immediate's sign.
 */
static void emit_rule(struct program *p, const struct device_rule *rule)
{
	size_t first = p->n;

	if (rule->type != 'a')
		emit(p, JUMP32_NE(R_TYPE, rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR));
	if (rule->major >= 0)
		emit(p, JUMP32_NE(R_MAJOR, (int)rule->major));
	if (rule->minor >= 0)
		emit(p, JUMP32_NE(R_MINOR, (int)rule->minor));
	size_t n_tests = p->n - first;

	if (rule->allow) {
		emit(p, ALU_IMM(BPF_AND, R_REMAINING, (int)(~rule->access & DEVICE_ACCESS_ALL)));
		emit(p, JUMP_IMM(BPF_JNE, R_REMAINING, 0, 2));
		emit_return(p, 1);
	} else {
		emit(p, JUMP_IMM(BPF_JSET, R_REMAINING, (int)rule->access, 1));
		emit(p, INSN(BPF_JMP | BPF_JA, 0, 0, 2, 0));
		emit_return(p, 0);
	}
	for (size_t i = 0; i < n_tests; i++) /* a failed test goes to the next rule */
		p->insns[first + i].off = (short)(p->n - (first + i) - 1);
}

void device_program(const struct device_rule *rules, size_t n, struct bpf_insn **ret, size_t *ret_n)
{
	struct program p = {.insns = xcalloc(n * RULE_INSNS_MAX + FRAME_INSNS, sizeof(struct bpf_insn))};

	emit_prologue(&p);
	for (size_t i = n; i > 0; i--)
		emit_rule(&p, &rules[i - 1]);
	emit_return(&p, 0);
	*ret = p.insns;
	*ret_n = p.n;
}

static int bpf(int cmd, const union bpf_attr *attr)
{
	return sys_bpf(cmd, attr, sizeof(*attr));
}

static int load(const struct bpf_insn *insns, size_t n)
{
	const union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
		.insns = (uintptr_t)insns,
		.insn_cnt = (unsigned)n,
		.license = (uintptr_t) "LGPL",
	};
	const struct rlimit infinite = {RLIM_INFINITY, RLIM_INFINITY};
	struct rlimit old;
	int fd = bpf(BPF_PROG_LOAD, &attr);

	/* before 5.11 programs count as locked memory */
	if (fd != -EPERM || getrlimit(RLIMIT_MEMLOCK, &old) < 0 ||
	    sys_setrlimit(RLIMIT_MEMLOCK, &infinite) < 0)
		return fd;
	fd = bpf(BPF_PROG_LOAD, &attr);
	sys_setrlimit(RLIMIT_MEMLOCK, &old);
	return fd;
}

static struct program preloaded; /* what preloaded_fd is */
static int preloaded_fd = -1;

int device_program_preload(struct error *err)
{
	_cleanup_free_ struct device_rule *rules = NULL;
	size_t n;
	int r = device_rules_from_oci(NULL, &rules, &n, err);

	if (r < 0)
		return r;
	device_program(rules, n, &preloaded.insns, &preloaded.n);
	preloaded_fd = load(preloaded.insns, preloaded.n);
	return preloaded_fd < 0 ? error_errnum(err, preloaded_fd, "load the usual device filter") : preloaded_fd;
}

/* The fd of a program; the verifier has been through the usual one before. */
static int get_program(const struct bpf_insn *insns, size_t n)
{
	bool same = preloaded_fd >= 0 && n == preloaded.n && memcmp(insns, preloaded.insns, n * sizeof(*insns)) == 0;

	return same ? fcntl(preloaded_fd, F_DUPFD_CLOEXEC, 3) : load(insns, n);
}

static void detach(int cgroup_fd, unsigned id)
{
	union bpf_attr by_id = {.prog_id = id};
	_cleanup_fd_ int fd = bpf(BPF_PROG_GET_FD_BY_ID, &by_id);
	union bpf_attr attr = {
		.target_fd = (unsigned)cgroup_fd,
		.attach_bpf_fd = (unsigned)fd,
		.attach_type = BPF_CGROUP_DEVICE,
	};

	if (fd >= 0) /* one that is gone by now needs no detaching */
		bpf(BPF_PROG_DETACH, &attr);
}

int device_program_attach(int dirfd, const struct bpf_insn *insns, size_t n, struct error *err)
{
	unsigned ids[64]; /* BPF_CGROUP_MAX_PROGS */
	union bpf_attr query = {
		.query.attach_type = BPF_CGROUP_DEVICE,
		.query.prog_ids = (uintptr_t)ids,
		.query.prog_cnt = ARRAY_SIZE(ids),
	};
	_cleanup_fd_ int cgroup_fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_fd_ int prog_fd = -1;
	int r;

	if (cgroup_fd < 0)
		return error_errno(err, "linux.resources.devices: cannot open the cgroup");
	prog_fd = get_program(insns, n);
	if (prog_fd < 0)
		return error_errnum(err, prog_fd, "linux.resources.devices: cannot load the device filter");
	query.query.target_fd = (unsigned)cgroup_fd;
	if (bpf(BPF_PROG_QUERY, &query) < 0)
		query.query.prog_cnt = 0; /* before 4.15: no device programs either, the next call says so */
	union bpf_attr attr = {
		.target_fd = (unsigned)cgroup_fd,
		.attach_bpf_fd = (unsigned)prog_fd,
		.attach_type = BPF_CGROUP_DEVICE,
		.attach_flags = BPF_F_ALLOW_MULTI,
	};

	r = bpf(BPF_PROG_ATTACH, &attr);
	if (r < 0)
		return error_errnum(err, r, "linux.resources.devices: cannot attach the device filter");
	for (unsigned i = 0; i < query.query.prog_cnt; i++)
		detach(cgroup_fd, ids[i]);
	return 0;
}
