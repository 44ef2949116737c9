/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * linux.seccomp (runtime-spec config-linux.md, "Seccomp") to BPF by libseccomp, in the parent: the child gets
 * finished instructions and makes one system call, seccomp(2). What needs no compiler has none
 * (seccomp_table.c). Rules that say what the default says are left
 * out, as libseccomp wants; comparisons of one argument with several values become several rules, for the
 * comparisons of one rule all have to hold.
 */
#include "linux/seccomp.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <ocispec/types.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "linux/seccomp_internal.h"
#include "linux/sys.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5) /* 5.19 */
#endif

enum { ARGS_MAX = 6 };

/* errno_ret: whether the action has a number for the caller. It is then added to the lower 16 bits, EPERM by
 * default. */
static const struct {
	uint32_t action;
	bool errno_ret;
} actions[_OCI_SECCOMP_ACTION_MAX] = {
	[OCI_SECCOMP_ACTION_KILL] = { SCMP_ACT_KILL, false },
	[OCI_SECCOMP_ACTION_KILL_PROCESS] = { SCMP_ACT_KILL_PROCESS, false },
	[OCI_SECCOMP_ACTION_KILL_THREAD] = { SCMP_ACT_KILL_THREAD, false },
	[OCI_SECCOMP_ACTION_TRAP] = { SCMP_ACT_TRAP, false },
	[OCI_SECCOMP_ACTION_ERRNO] = { SCMP_ACT_ERRNO(0), true },
	[OCI_SECCOMP_ACTION_TRACE] = { SCMP_ACT_TRACE(0), true },
	[OCI_SECCOMP_ACTION_ALLOW] = { SCMP_ACT_ALLOW, false },
	[OCI_SECCOMP_ACTION_LOG] = { SCMP_ACT_LOG, false },
	[OCI_SECCOMP_ACTION_NOTIFY] = { SCMP_ACT_NOTIFY, false },
};

static const enum scmp_compare operators[_OCI_SECCOMP_OPERATOR_MAX] = {
	[OCI_SECCOMP_OPERATOR_NE] = SCMP_CMP_NE,
	[OCI_SECCOMP_OPERATOR_LT] = SCMP_CMP_LT,
	[OCI_SECCOMP_OPERATOR_LE] = SCMP_CMP_LE,
	[OCI_SECCOMP_OPERATOR_EQ] = SCMP_CMP_EQ,
	[OCI_SECCOMP_OPERATOR_GE] = SCMP_CMP_GE,
	[OCI_SECCOMP_OPERATOR_GT] = SCMP_CMP_GT,
	[OCI_SECCOMP_OPERATOR_MASKED_EQ] = SCMP_CMP_MASKED_EQ,
};

/* libseccomp's names of the architectures: seccomp_arch_resolve_name(3). One that it does not know yet is for
 * it to say. */
static const char *const architectures[_OCI_SECCOMP_ARCH_MAX] = {
	[OCI_SECCOMP_ARCH_X86] = "x86",
	[OCI_SECCOMP_ARCH_X86_64] = "x86_64",
	[OCI_SECCOMP_ARCH_X32] = "x32",
	[OCI_SECCOMP_ARCH_ARM] = "arm",
	[OCI_SECCOMP_ARCH_AARCH64] = "aarch64",
	[OCI_SECCOMP_ARCH_MIPS] = "mips",
	[OCI_SECCOMP_ARCH_MIPS64] = "mips64",
	[OCI_SECCOMP_ARCH_MIPS64N32] = "mips64n32",
	[OCI_SECCOMP_ARCH_MIPSEL] = "mipsel",
	[OCI_SECCOMP_ARCH_MIPSEL64] = "mipsel64",
	[OCI_SECCOMP_ARCH_MIPSEL64N32] = "mipsel64n32",
	[OCI_SECCOMP_ARCH_PPC] = "ppc",
	[OCI_SECCOMP_ARCH_PPC64] = "ppc64",
	[OCI_SECCOMP_ARCH_PPC64LE] = "ppc64le",
	[OCI_SECCOMP_ARCH_S390] = "s390",
	[OCI_SECCOMP_ARCH_S390X] = "s390x",
	[OCI_SECCOMP_ARCH_PARISC] = "parisc",
	[OCI_SECCOMP_ARCH_PARISC64] = "parisc64",
	[OCI_SECCOMP_ARCH_RISCV64] = "riscv64",
	[OCI_SECCOMP_ARCH_LOONGARCH64] = "loongarch64",
	[OCI_SECCOMP_ARCH_M68K] = "m68k",
	[OCI_SECCOMP_ARCH_SH] = "sh",
	[OCI_SECCOMP_ARCH_SHEB] = "sheb",
};

/* TSYNC has no other thread to reach in a process that has one. */
static const unsigned filter_flags[_OCI_SECCOMP_FLAG_MAX] = {
	[OCI_SECCOMP_FLAG_LOG] = SECCOMP_FILTER_FLAG_LOG,
	[OCI_SECCOMP_FLAG_SPEC_ALLOW] = SECCOMP_FILTER_FLAG_SPEC_ALLOW,
	[OCI_SECCOMP_FLAG_WAIT_KILLABLE_RECV] = SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
};

static void releasep(scmp_filter_ctx *ctx)
{
	if (*ctx)
		seccomp_release(*ctx);
}

/* An action with its number; field: what carries the number. */
static int resolve_action(enum oci_seccomp_action action, bool has_errno, uint32_t errno_ret,
			  const char *field, uint32_t *ret, struct error *err)
{
	const char *name = oci_seccomp_action_to_string(action);

	*ret = actions[action].action;
	if (!actions[action].errno_ret) {
		if (has_errno)
			return error_set(err, EINVAL, "%s: %u: %s returns no error number", field, errno_ret,
					 name);
		return 0;
	}
	if (has_errno && errno_ret > (action == OCI_SECCOMP_ACTION_ERRNO ? 4095u : 0xffffu))
		return error_set(err, EINVAL, "%s: %u does not fit %s", field, errno_ret, name);
	*ret |= has_errno ? errno_ret : EPERM;
	return 0;
}

/* SECCOMP_RET_* in the order of the bits. */
static const uint32_t kernel_actions[] = {
	SECCOMP_RET_USER_NOTIF, SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP,
	SECCOMP_RET_ERRNO,      SECCOMP_RET_TRACE,        SECCOMP_RET_LOG,         SECCOMP_RET_ALLOW,
};

unsigned seccomp_available_actions(void)
{
	unsigned available = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kernel_actions); i++)
		if (sys_seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &kernel_actions[i]) == 0)
			available |= 1u << i;
	return available;
}

/* config-linux.md about SCMP_ACT_NOTIFY; write is the call by which the child tells of the listener. */
static int check_notify(const struct oci_seccomp *oci, size_t index, unsigned available, struct error *err)
{
	if (strv_contains(oci->syscalls[index].names, "write"))
		return error_set(err, EINVAL,
				 "linux.seccomp.syscalls[%zu]: SCMP_ACT_NOTIFY cannot be used for the write "
				 "syscall",
				 index);
	if (str_is_empty(oci->listener_path))
		return error_set(err, EINVAL,
				 "linux.seccomp.listenerPath: missing, but syscalls[%zu] has SCMP_ACT_NOTIFY",
				 index);
	if (!(available & SECCOMP_AVAILABLE_NOTIFY))
		return error_set(
			err, EOPNOTSUPP,
			"linux.seccomp.syscalls[%zu].action: seccomp notify unsupported: this kernel "
			"does not know SCMP_ACT_NOTIFY (Linux 5.0)",
			index);
	return 0;
}

static int validate(const struct oci_seccomp *oci, unsigned available, bool *ret_notify, struct error *err)
{
	bool notify = false;

	if (oci->default_action == OCI_SECCOMP_ACTION_NOTIFY)
		return error_set(
			err, EINVAL,
			"linux.seccomp.defaultAction: SCMP_ACT_NOTIFY cannot be used as the default action");
	if (oci->listener_metadata && str_is_empty(oci->listener_path))
		return error_set(err, EINVAL,
				 "linux.seccomp.listenerMetadata: is set, but listenerPath is not");
	for (size_t i = 0; i < oci->n_syscalls; i++) {
		int r = 0;

		if (oci->syscalls[i].action != OCI_SECCOMP_ACTION_NOTIFY)
			continue;
		notify = true;
		r = check_notify(oci, i, available, err);
		if (r < 0)
			return r;
	}
	*ret_notify = notify;
	return 0;
}

/* The native architecture is always in the filter. */
static int add_architectures(scmp_filter_ctx ctx, const struct oci_seccomp *oci, struct error *err)
{
	for (size_t i = 0; i < oci->n_architectures; i++) {
		const char *name = oci_seccomp_arch_to_string(oci->architectures[i]);
		uint32_t arch = seccomp_arch_resolve_name(architectures[oci->architectures[i]]);
		int r = arch ? seccomp_arch_add(ctx, arch) : -EOPNOTSUPP;

		if (r < 0 && r != -EEXIST)
			return error_errnum(
				err, r, "linux.seccomp.architectures[%zu]: libseccomp cannot filter %s here",
				i, name);
	}
	return 0;
}

static struct scmp_arg_cmp comparison(const struct oci_syscall_arg *a)
{
	return (struct scmp_arg_cmp){
		.arg = (unsigned)a->index,
		.op = operators[a->op],
		.datum_a = a->value,
		.datum_b = a->value_two,
	};
}

static bool has_repeated_index(const struct oci_syscall *s)
{
	unsigned seen = 0;

	for (size_t i = 0; i < s->n_args; i++) {
		if (seen & 1u << s->args[i].index)
			return true;
		seen |= 1u << s->args[i].index;
	}
	return false;
}

static int add_rule(scmp_filter_ctx ctx, const struct oci_syscall *s, uint32_t action, int number)
{
	struct scmp_arg_cmp args[ARGS_MAX];

	if (!has_repeated_index(s)) {
		for (size_t i = 0; i < s->n_args; i++)
			args[i] = comparison(&s->args[i]);
		return seccomp_rule_add_array(ctx, action, number, (unsigned)s->n_args, args);
	}
	for (size_t i = 0; i < s->n_args; i++) {
		int r;

		args[0] = comparison(&s->args[i]);
		r = seccomp_rule_add_array(ctx, action, number, 1, args);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A rule's action; what libseccomp would not take of its arguments is an error. */
static int resolve_rule(const struct oci_syscall *s, size_t index, uint32_t *ret, struct error *err)
{
	_cleanup_free_ char *field = xasprintf("linux.seccomp.syscalls[%zu].errnoRet", index);
	int r = resolve_action(s->action, s->has_errno_ret, s->errno_ret, field, ret, err);

	for (size_t i = 0; r >= 0 && i < s->n_args; i++)
		if ((unsigned)s->args[i].index >= ARGS_MAX)
			return error_set(
				err, EINVAL,
				"linux.seccomp.syscalls[%zu].args[%zu].index: %u is out of range (0 .. 5)",
				index, i, (unsigned)s->args[i].index);
	return r;
}

/* What this kernel does not know is for libseccomp to refuse. */
static bool is_available(uint32_t action, unsigned available)
{
	for (size_t i = 0; i < ARRAY_SIZE(kernel_actions); i++)
		if (kernel_actions[i] == (action & SECCOMP_RET_ACTION_FULL))
			return available & 1u << i;
	return false;
}

/* The names that make a difference: known ones, of rules that say something else than the default. */
static int collect_names(const struct oci_seccomp *oci, uint32_t default_action, unsigned available, struct seccomp_profile *p,
			 struct error *err)
{
	size_t n = 0;

	for (size_t i = 0; i < oci->n_syscalls; i++)
		n += oci->syscalls[i].n_names;
	p->names = xcalloc(n + 1, sizeof(*p->names));
	for (size_t i = 0; i < oci->n_syscalls; i++) {
		const struct oci_syscall *s = &oci->syscalls[i];
		uint32_t action;
		int r = resolve_rule(s, i, &action, err);

		if (r < 0)
			return r;
		for (size_t k = 0; action != default_action && k < s->n_names; k++) {
			int number = seccomp_syscall_resolve_name(s->names[k]);

			if (number == __NR_SCMP_ERROR) {
				log_debug("linux.seccomp.syscalls[%zu].names[%zu]: unknown system call \"%s\" ignored", i, k,
					  s->names[k]);
				continue;
			}
			p->names[p->n_names++] = (struct seccomp_name){
				.name = s->names[k],
				.number = number,
				.action = action,
				.rule = i,
				.index = k,
				.conditional = s->n_args > 0 || !is_available(action, available),
			};
		}
	}
	return 0;
}

static int add_names(scmp_filter_ctx ctx, const struct oci_seccomp *oci, const struct seccomp_profile *p, struct error *err)
{
	for (size_t i = 0; i < p->n_names; i++) {
		const struct seccomp_name *name = &p->names[i];
		int r = name->plain ? 0 : add_rule(ctx, &oci->syscalls[name->rule], name->action, name->number);

		if (r < 0)
			return error_errnum(err, r, "linux.seccomp.syscalls[%zu].names[%zu]: cannot add a rule for \"%s\"", name->rule,
					    name->index, name->name);
	}
	return 0;
}

int seccomp_check_names(const struct oci_seccomp *oci, struct error *err)
{
	for (size_t i = 0; oci && i < oci->n_syscalls; i++)
		for (size_t k = 0; k < oci->syscalls[i].n_names; k++)
			if (seccomp_syscall_resolve_name(oci->syscalls[i].names[k]) == __NR_SCMP_ERROR)
				return error_set(err, EINVAL, "linux.seccomp.syscalls[%zu].names[%zu]: unknown system call \"%s\"",
						 i, k, oci->syscalls[i].names[k]);
	return 0;
}

/* EFAULT for the missing filter means that the kernel knows the flag, EINVAL that it does not: seccomp(2). */
static bool flag_is_known(unsigned flag)
{
	return sys_seccomp(SECCOMP_SET_MODE_FILTER, flag, NULL) == -EFAULT;
}

static int resolve_flags(const struct oci_seccomp *oci, bool notify, unsigned *ret, struct error *err)
{
	const unsigned listener = notify ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;

	*ret = listener;
	if (!oci->flags && flag_is_known(SECCOMP_FILTER_FLAG_SPEC_ALLOW))
		*ret |= SECCOMP_FILTER_FLAG_SPEC_ALLOW;
	for (size_t i = 0; i < oci->n_flags; i++) {
		unsigned flag = filter_flags[oci->flags[i]];

		/* it speaks of notifications, and the kernel refuses it where there are none */
		if (flag == SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV && !notify)
			continue;
		if (flag && !flag_is_known(flag | listener))
			return error_set(err, EOPNOTSUPP,
					 "linux.seccomp.flags[%zu]: this kernel does not know %s", i,
					 oci_seccomp_flag_to_string(oci->flags[i]));
		*ret |= flag;
	}
	return 0;
}

/* libseccomp before 2.6 writes to descriptors only. */
static int export(scmp_filter_ctx ctx, char **ret, size_t *ret_len, struct error *err)
{
	_cleanup_fd_ int fd = memfd_create("seccomp", MFD_CLOEXEC);
	int r;

	if (fd < 0)
		return error_errno(err, "linux.seccomp: memfd_create");
	r = seccomp_export_bpf(ctx, fd);
	if (r < 0)
		return error_errnum(err, r, "linux.seccomp: libseccomp cannot make the filter");
	if (lseek(fd, 0, SEEK_SET) < 0)
		return error_errno(err, "linux.seccomp: lseek");
	r = fd_read_file(fd, BPF_MAXINSNS * sizeof(struct sock_filter), ret, ret_len);
	return r < 0 ? error_errnum(
			       err, r,
			       "linux.seccomp: the filter has more instructions than the kernel takes (%d)",
			       BPF_MAXINSNS)
		     : 0;
}

/* The architectures of the profile in libseccomp's numbers, the native one first; ret has room for SECCOMP_ARCHITECTURES_MAX. */
static size_t list_architectures(const struct oci_seccomp *oci, uint32_t *ret)
{
	size_t n = 1;

	ret[0] = seccomp_arch_native();
	for (size_t i = 0; i < oci->n_architectures; i++) {
		uint32_t arch = seccomp_arch_resolve_name(architectures[oci->architectures[i]]);

		if (arch != ret[0] && n < SECCOMP_ARCHITECTURES_MAX)
			ret[n++] = arch;
	}
	return n;
}

/* The stub, the table, then libseccomp's filter, which begins by looking at the architecture again. */
static int assemble(const struct oci_seccomp *oci, scmp_filter_ctx ctx, struct seccomp_profile *p, struct seccomp_filter *ret,
		    struct error *err)
{
	struct sock_filter stub[SECCOMP_ARCHITECTURES_MAX * SECCOMP_ENOSYS_INSNS];
	size_t n_stub = seccomp_enosys(oci, p->architectures, p->n_architectures, stub), n_table = 0, len;
	_cleanup_free_ struct sock_filter *table = NULL;
	_cleanup_free_ char *bpf = NULL;
	int r;

	seccomp_mark_plain(p->names, p->n_names);
	if (!seccomp_table(p, &table, &n_table))
		for (size_t i = 0; i < p->n_names; i++)
			p->names[i].plain = false;
	r = add_names(ctx, oci, p, err);
	if (r == 0)
		r = export(ctx, &bpf, &len, err);
	if (r < 0)
		return r;
	if (n_stub + n_table + len / sizeof(*stub) > BPF_MAXINSNS)
		return error_set(err, E2BIG,
				 "linux.seccomp: the filter has more instructions than the kernel takes (%d)",
				 BPF_MAXINSNS);
	ret->n_insns = (unsigned short)(n_stub + n_table + len / sizeof(*stub));
	ret->insns = xcalloc(ret->n_insns, sizeof(*stub));
	memcpy(ret->insns, stub, n_stub * sizeof(*stub));
	if (n_table > 0)
		memcpy(ret->insns + n_stub, table, n_table * sizeof(*stub));
	memcpy(ret->insns + n_stub + n_table, bpf, len);
	return 0;
}

static int compile(const struct oci_seccomp *oci, uint32_t default_action, unsigned available, struct seccomp_filter *ret,
		   struct error *err)
{
	_cleanup_(releasep) scmp_filter_ctx ctx = seccomp_init(default_action);
	uint32_t archs[SECCOMP_ARCHITECTURES_MAX];
	struct seccomp_profile p = { .architectures = archs, .n_architectures = list_architectures(oci, archs) };
	int r;

	if (!ctx)
		return error_set(err, EINVAL, "linux.seccomp.defaultAction: libseccomp does not take %s here",
				 oci_seccomp_action_to_string(oci->default_action));
	r = add_architectures(ctx, oci, err);
	if (r >= 0)
		r = collect_names(oci, default_action, available, &p, err);
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a binary tree: since libseccomp 2.5 */
	if (r >= 0)
		r = assemble(oci, ctx, &p, ret, err);
	free(p.names);
	return r;
}

int seccomp_filter_compile(const struct oci_seccomp *oci, int cache_fd, int kept_dirfd, struct seccomp_filter *ret,
			   struct error *err)
{
	_cleanup_buf_ struct buf key = { 0 };
	struct seccomp_filter f = { 0 };
	unsigned available;
	uint32_t default_action;
	int r;

	*ret = f;
	if (!oci)
		return 0;
	available = seccomp_available_actions();
	r = validate(oci, available, &f.notify, err);
	if (r >= 0)
		r = resolve_action(oci->default_action, oci->has_default_errno_ret, oci->default_errno_ret,
				   "linux.seccomp.defaultErrnoRet", &default_action, err);
	if (r >= 0)
		r = resolve_flags(oci, f.notify, &f.flags, err);
	if (r < 0)
		return r;
	seccomp_cache_key(oci, available, &key);
	if (!seccomp_kept_load(kept_dirfd, &key, &f)) {
		if (!seccomp_cache_load(cache_fd, &key, &f)) {
			r = compile(oci, default_action, available, &f, err);
			if (r < 0)
				return r;
			seccomp_cache_store(cache_fd, &key, &f);
		}
		seccomp_kept_store(kept_dirfd, cache_fd, &key, &f);
	}
	*ret = f;
	return 0;
}

int seccomp_filter_raw(const char *text, const char *field, const struct oci_seccomp *oci, struct seccomp_filter *ret, struct error *err)
{
	static const struct oci_seccomp no_profile;
	struct seccomp_filter f = { .field = field };
	int r = seccomp_raw_parse(text, &f, err);

	if (r < 0)
		return error_wrap(err, "%s", field);
	r = resolve_flags(oci ? oci : &no_profile, false, &f.flags, err);
	if (r < 0) {
		seccomp_filter_done(&f);
		return r;
	}
	*ret = f;
	return 0;
}
