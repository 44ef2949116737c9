/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* linux/seccomp.h, filters that come compiled: what is taken is what this kernel takes. */
#include <errno.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "linux/seccomp.h"

#define RET_ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static char *encode(const void *data, size_t len)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = data;
	char *text = xcalloc(len / 3 + 2, 4), *t = text;

	for (size_t i = 0; i < len; i += 3) {
		uint32_t group = (uint32_t)p[i] << 16 | (i + 1 < len ? (uint32_t)p[i + 1] << 8 : 0) | (i + 2 < len ? p[i + 2] : 0);

		for (int k = 0; k < 4; k++)
			*t++ = i + (size_t)k > len ? '=' : alphabet[group >> (18 - 6 * k) & 63];
	}
	return text;
}

/* Whether the kernel takes it, in a process that may end by it. */
static bool kernel_takes(const struct sock_filter *insns, size_t n)
{
	struct sock_fprog program = { .len = (unsigned short)n, .filter = (struct sock_filter *)insns };
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
			_exit(1);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return !WIFEXITED(status) || WEXITSTATUS(status) != 1;
}

static void test_instructions(void **state)
{
	static const struct {
		size_t n;
		struct sock_filter insns[4];
		const char *message; /* NULL: it is taken */
	} cases[] = {
		{ 1, { RET_ALLOW }, NULL },
		{ 2, { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 60), RET_ALLOW }, NULL },
		{ 3, { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 4999, 0, 0), RET_ALLOW }, NULL },
		{ 3, { BPF_STMT(BPF_LD | BPF_IMM, SECCOMP_RET_ALLOW), BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 31), BPF_STMT(BPF_RET | BPF_A, 0) }, NULL },
		{ 3, { BPF_STMT(BPF_ST, 15), BPF_STMT(BPF_LDX | BPF_MEM, 15), RET_ALLOW }, NULL },
		{ 2, { BPF_STMT(BPF_JMP | BPF_JA, 0), RET_ALLOW }, NULL },
		{ 1, { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0) }, "instruction 0, the last one, does not return" },
		{ 2, { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64), RET_ALLOW }, "instruction 0 (code 0x20, k 0x00000040) loads from outside" },
		{ 2, { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2), RET_ALLOW }, "loads from outside" },
		{ 2, { BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), RET_ALLOW }, "instruction 0 (code 0x30, k 0x00000000) is none that a filter may have" },
		{ 2, { BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 3), RET_ALLOW }, "is none that a filter may have" },
		{ 2, { { 0xffff, 0, 0, 0 }, RET_ALLOW }, "is none that a filter may have" },
		{ 2, { BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), RET_ALLOW }, "divides by zero" },
		{ 2, { BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32), RET_ALLOW }, "shifts by more than 31" },
		{ 2, { BPF_STMT(BPF_ST, 16), RET_ALLOW }, "uses scratch memory" },
		{ 2, { BPF_STMT(BPF_JMP | BPF_JA, 1), RET_ALLOW }, "jumps out" },
		{ 2, { BPF_STMT(BPF_JMP | BPF_JA, 0xffffffff), RET_ALLOW }, "jumps out" },
		{ 2, { BPF_JUMP(BPF_JMP | BPF_JGE | BPF_X, 0, 0, 1), RET_ALLOW }, "instruction 0 (code 0x3d, k 0x00000000) jumps out" },
		{ 2, { BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0, 1, 0), RET_ALLOW }, "jumps out" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_seccomp_filter_ struct seccomp_filter f = { 0 };
		_cleanup_free_ char *text = encode(cases[i].insns, cases[i].n * sizeof(struct sock_filter));
		struct error err = { 0 };
		bool taken = seccomp_raw_parse(text, &f, &err) == 0;

		if (taken != !cases[i].message || (!taken && !strstr(err.msg, cases[i].message)))
			fail_msg("case %zu: %s", i, taken ? "was taken" : err.msg);
		if (taken != kernel_takes(cases[i].insns, cases[i].n))
			fail_msg("case %zu: the kernel says something else", i);
		if (taken) {
			assert_int_equal(f.n_insns, cases[i].n);
			assert_memory_equal(f.insns, cases[i].insns, cases[i].n * sizeof(struct sock_filter));
		} else {
			assert_null(f.insns);
		}
	}
}

/* The kernel takes these, too; but nobody would hear. */
static void test_listener(void **state)
{
	static const struct sock_filter notifies[] = { BPF_STMT(BPF_RET | BPF_K, 0x7fc00000) };
	_cleanup_free_ char *text = encode(notifies, sizeof(notifies));
	struct seccomp_filter f = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_true(seccomp_raw_parse(text, &f, &err) < 0);
	assert_non_null(strstr(err.msg, "notifies a listener"));
}

static void test_lengths(void **state)
{
	static const struct {
		size_t bytes;
		const char *message;
	} cases[] = {
		{ 0, "has 0 bytes" },
		{ 7, "has 7 bytes" },
		{ 12, "has 12 bytes" },
		{ BPF_MAXINSNS * 8, NULL },
		{ BPF_MAXINSNS * 8 + 1, "has 32769 bytes" },
		{ (BPF_MAXINSNS + 1) * 8, "has more instructions than the kernel takes (4096)" },
		{ 1 << 20, "has more instructions than the kernel takes (4096)" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ struct sock_filter *insns = xcalloc(cases[i].bytes / 8 + 1, 8);
		_cleanup_seccomp_filter_ struct seccomp_filter f = { 0 };
		_cleanup_free_ char *text = NULL;
		struct error err = { 0 };

		for (size_t k = 0; k <= cases[i].bytes / 8; k++)
			insns[k] = (struct sock_filter)RET_ALLOW;
		text = encode(insns, cases[i].bytes);
		if ((seccomp_raw_parse(text, &f, &err) == 0) != !cases[i].message || (cases[i].message && !strstr(err.msg, cases[i].message)))
			fail_msg("%zu bytes: %s", cases[i].bytes, err.msg);
	}
}

static void test_named(void **state)
{
	static const struct sock_filter allow[] = { RET_ALLOW };
	_cleanup_free_ char *text = encode(allow, sizeof(allow));
	_cleanup_seccomp_filter_ struct seccomp_filter f = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_true(seccomp_filter_raw("AAA", "annotation x", NULL, &f, &err) < 0);
	assert_string_equal(err.msg, "annotation x: is not base64 (RFC 4648: padded, without blanks)");
	assert_int_equal(seccomp_filter_raw(text, "annotation x", NULL, &f, &err), 0);
	assert_false(f.notify);
	assert_int_equal(f.flags & ~SECCOMP_FILTER_FLAG_SPEC_ALLOW, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_instructions),
		cmocka_unit_test(test_listener),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_named),
	};

	return cmocka_run_group_tests_name("seccomp_raw", tests, NULL, NULL);
}
