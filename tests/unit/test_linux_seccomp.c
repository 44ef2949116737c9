/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Seccomp profiles: what the compiled filter answers to system calls. The filter runs in a small interpreter
 * of classic BPF, so that the golden files (tests/golden/seccomp/<name>.json and .calls) say what a profile
 * means and not how libseccomp writes it down.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <ocispec/doc.h>
#include <ocispec/types.h>
#include <seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "golden.h"
#include "linux/seccomp.h"

/* The subset that seccomp(2) allows and libseccomp uses. */
static uint32_t run(const struct seccomp_filter *f, const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (size_t pc = 0; pc < f->n_insns; pc++) {
		const struct sock_filter *i = &f->insns[pc];
		bool jump;

		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			assert_true(i->k + 4 <= sizeof(*data));
			memcpy(&a, (const char *)data + i->k, 4);
			continue;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= i->k;
			continue;
		case BPF_JMP | BPF_JA:
			pc += i->k;
			continue;
		case BPF_JMP | BPF_JEQ | BPF_K:
			jump = a == i->k;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			jump = a > i->k;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			jump = a >= i->k;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			jump = a & i->k;
			break;
		case BPF_RET | BPF_K:
			return i->k;
		default:
			fail_msg("instruction %zu: code 0x%02x", pc, i->code);
			return 0;
		}
		pc += jump ? i->jt : i->jf;
	}
	fail_msg("the filter has no end");
	return 0;
}

static char *action_text(uint32_t action)
{
	uint32_t number = action & SECCOMP_RET_DATA;

	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_KILL_PROCESS:
		return xstrdup("kill process");
	case SECCOMP_RET_KILL_THREAD:
		return xstrdup("kill thread");
	case SECCOMP_RET_TRAP:
		return xstrdup("trap");
	case SECCOMP_RET_ERRNO:
		return xasprintf("errno %u", number);
	case SECCOMP_RET_TRACE:
		return xasprintf("trace %u", number);
	case SECCOMP_RET_LOG:
		return xstrdup("log");
	case SECCOMP_RET_ALLOW:
		return xstrdup("allow");
	default:
		return xasprintf("0x%08x", action);
	}
}

/* "x86_64 clone 0x11 0": an architecture, a system call or #number, arguments. */
static struct seccomp_data parse_call(const char *text)
{
	_cleanup_strv_ char **words = str_split(text, ' ');
	struct seccomp_data d = { 0 };
	uint32_t arch;

	assert_true(strv_length(words) >= 2);
	arch = seccomp_arch_resolve_name(words[0]);
	d.arch = arch == SCMP_ARCH_X32 ? SCMP_ARCH_X86_64 : arch;
	if (words[1][0] == '#')
		d.nr = atoi(words[1] + 1);
	else
		d.nr = seccomp_syscall_resolve_name_arch(arch, words[1]);
	for (size_t i = 2; words[i] && i < 8; i++)
		d.args[i - 2] = strtoull(words[i], NULL, 0);
	return d;
}

static void parse(const char *json, size_t len, struct oci_doc **ret)
{
	struct oci_error err;

	if (oci_parse(&oci_seccomp_type, json, len, NULL, ret, &err) < 0)
		fail_msg("%s", err.msg);
}

static void check_profile(const char *name)
{
	_cleanup_free_ char *json_name = xasprintf("seccomp/%s.json", name),
			    *calls_name = xasprintf("seccomp/%s.calls", name);
	_cleanup_seccomp_filter_ struct seccomp_filter f = { 0 };
	_cleanup_(oci_doc_freep) struct oci_doc *doc = NULL;
	size_t len;
	_cleanup_free_ char *json = golden_read(json_name, &len), *calls = golden_read(calls_name, NULL),
			    *text = NULL;
	_cleanup_strv_ char **lines = str_split(calls, '\n');
	_cleanup_buf_ struct buf got = { 0 };
	struct error err;

	parse(json, len, &doc);
	if (seccomp_filter_compile(oci_doc_root(doc), -1, -1, &f, &err) < 0)
		fail_msg("%s: %s", name, err.msg);
	assert_true(f.n_insns > 0);
	for (char **line = lines; *line; line++) {
		char *arrow = strstr(*line, " =>");
		_cleanup_free_ char *answer = NULL;
		struct seccomp_data d;

		if (!arrow)
			continue;
		*arrow = '\0';
		d = parse_call(*line);
		answer = action_text(run(&f, &d));
		buf_printf(&got, "%s => %s\n", *line, answer);
	}
	text = buf_take(&got);
	golden_compare(calls_name, text);
}

static void test_golden(void **state)
{
	_cleanup_strv_ char **names = golden_list("seccomp", ".json");

	(void)state;
	for (char **name = names; *name; name++)
		check_profile(*name);
}

#define ONE(action, more)                                                                                    \
	"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": [\"getpid\"], \"action\": "      \
	"\"" action "\"" more "}]}"

static void test_refused(void **state)
{
	static const struct {
		const char *json, *wanted;
	} cases[] = {
		{ "{\"defaultAction\": \"SCMP_ACT_NOTIFY\"}",
		  "linux.seccomp.defaultAction: SCMP_ACT_NOTIFY cannot be used as the default action" },
		{ "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"defaultErrnoRet\": 1}",
		  "linux.seccomp.defaultErrnoRet: 1: SCMP_ACT_ALLOW returns no error number" },
		{ "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 4096}",
		  "linux.seccomp.defaultErrnoRet: 4096 does not fit SCMP_ACT_ERRNO" },
		{ "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"listenerMetadata\": \"x\"}",
		  "linux.seccomp.listenerMetadata: is set, but listenerPath is not" },
		{ ONE("SCMP_ACT_KILL", ", \"errnoRet\": 1"),
		  "linux.seccomp.syscalls[0].errnoRet: 1: SCMP_ACT_KILL returns no error number" },
		{ ONE("SCMP_ACT_TRACE", ", \"errnoRet\": 65536"),
		  "linux.seccomp.syscalls[0].errnoRet: 65536 does not fit SCMP_ACT_TRACE" },
		{ "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": [\"read\", \"write\"], "
		  "\"action\": \"SCMP_ACT_NOTIFY\"}]}",
		  "linux.seccomp.syscalls[0]: SCMP_ACT_NOTIFY cannot be used for the write syscall" },
		{ ONE("SCMP_ACT_NOTIFY", ""),
		  "linux.seccomp.listenerPath: missing, but syscalls[0] has SCMP_ACT_NOTIFY" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(oci_doc_freep) struct oci_doc *doc = NULL;
		struct seccomp_filter f;
		struct error err = { 0 };

		parse(cases[i].json, strlen(cases[i].json), &doc);
		assert_true(seccomp_filter_compile(oci_doc_root(doc), -1, -1, &f, &err) < 0);
		assert_string_equal(err.msg, cases[i].wanted);
		assert_null(f.insns);
	}
}

static void test_none(void **state)
{
	struct seccomp_filter f;
	struct error err;
	int listener;

	(void)state;
	assert_int_equal(seccomp_filter_compile(NULL, -1, -1, &f, &err), 0);
	assert_int_equal(f.n_insns, 0);
	assert_int_equal(seccomp_filter_load(&f, &listener, &err), 0);
}

/* flags: none given means what is good for speed and known to the kernel; an empty list means none. */
static void test_flags(void **state)
{
	static const struct {
		const char *json;
		unsigned wanted, mask;
	} cases[] = {
		{ "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"flags\": []}", 0, ~0u },
		{ "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"flags\": [\"SECCOMP_FILTER_FLAG_LOG\", "
		  "\"SECCOMP_FILTER_FLAG_TSYNC\"]}",
		  SECCOMP_FILTER_FLAG_LOG, ~0u },
		{ "{\"defaultAction\": \"SCMP_ACT_ALLOW\"}", 0, ~(unsigned)SECCOMP_FILTER_FLAG_SPEC_ALLOW },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(oci_doc_freep) struct oci_doc *doc = NULL;
		_cleanup_seccomp_filter_ struct seccomp_filter f = { 0 };
		struct error err;

		parse(cases[i].json, strlen(cases[i].json), &doc);
		assert_int_equal(seccomp_filter_compile(oci_doc_root(doc), -1, -1, &f, &err), 0);
		assert_int_equal(f.flags & cases[i].mask, cases[i].wanted);
	}
}

/* The kernel takes it, and does what it says. */
static void test_load(void **state)
{
	static const char json[] = ONE("SCMP_ACT_ERRNO", ", \"errnoRet\": 99");
	_cleanup_seccomp_filter_ struct seccomp_filter f = { 0 };
	_cleanup_(oci_doc_freep) struct oci_doc *doc = NULL;
	struct error err;
	int status, listener;
	pid_t pid;

	(void)state;
	parse(json, strlen(json), &doc);
	assert_int_equal(seccomp_filter_compile(oci_doc_root(doc), -1, -1, &f, &err), 0);
	pid = fork();
	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		    seccomp_filter_load(&f, &listener, &err) < 0)
			_exit(1);
		_exit(syscall(SYS_getpid) == -1 && errno == 99 ? 42 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
}

/* Like seccomp(2)'s, and of the profile below. */
static const char *const random_actions[] = { "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_LOG", "SCMP_ACT_TRAP" };
static const uint32_t random_numbers[] = { SCMP_ACT_ALLOW, SCMP_ACT_ERRNO(1), SCMP_ACT_LOG, SCMP_ACT_TRAP };

static uint32_t next_random(void)
{
	static uint32_t x = 20260101;

	x = x * 1664525 + 1013904223;
	return x >> 16;
}

/* A rule for one name, the same in text and for libseccomp: by chance conditional, by chance a second one for the same name. */
static void add_random_rules(const char *name, int number, scmp_filter_ctx ctx, struct buf *json)
{
	for (unsigned n = next_random() % 20 == 0 ? 2 : 1; n > 0; n--) {
		unsigned action = next_random() % 40 ? 0 : 1 + next_random() % 3, index = next_random() % 6, value = next_random() % 4;
		struct scmp_arg_cmp arg = { .arg = index, .op = SCMP_CMP_EQ, .datum_a = value };
		bool conditional = next_random() % 8 == 0;
		int r = seccomp_rule_add_array(ctx, random_numbers[action], number, conditional, &arg);

		if (r == -EEXIST) /* contradicts the first */
			continue;
		assert_int_equal(r, 0);
		buf_printf(json, "%s{\"names\": [\"%s\"], \"action\": \"%s\"", json->len > 250 ? "," : "", name, random_actions[action]);
		if (conditional)
			buf_printf(json, ", \"args\": [{\"index\": %u, \"value\": %u, \"op\": \"SCMP_CMP_EQ\"}]", index, value);
		buf_printf(json, "}");
	}
}

static void reference(scmp_filter_ctx ctx, struct seccomp_filter *ret)
{
	FILE *f = tmpfile();
	long size;

	assert_non_null(f);
	assert_int_equal(seccomp_export_bpf(ctx, fileno(f)), 0);
	size = lseek(fileno(f), 0, SEEK_END);
	ret->insns = xcalloc(1, (size_t)size);
	ret->n_insns = (unsigned short)((size_t)size / sizeof(*ret->insns));
	assert_int_equal(pread(fileno(f), ret->insns, (size_t)size, 0), size);
	fclose(f);
}

/* All numbers of all architectures, with values that rules have and do not have. */
static void compare_filters(const struct seccomp_filter *a, const struct seccomp_filter *b)
{
	static const uint32_t archs[] = { SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_AARCH64, 0 };
	static const uint32_t bases[] = { 0, 0x40000000, 0x7fffff00, 0xfffffe00 };

	for (size_t i = 0; i < ARRAY_SIZE(archs); i++)
		for (size_t k = 0; k < ARRAY_SIZE(bases); k++)
			for (uint32_t n = 0; n < 1200 && bases[k] + n >= bases[k]; n++)
				for (uint64_t value = 0; value < 5; value++) {
					struct seccomp_data d = { .nr = (int)(bases[k] + n), .arch = archs[i] };

					for (size_t x = 0; x < 6; x++)
						d.args[x] = value;
					if (run(a, &d) != run(b, &d))
						fail_msg("arch 0x%x, call 0x%x, arguments %d: 0x%x, libseccomp 0x%x", d.arch, (unsigned)d.nr,
							 (int)value, run(a, &d), run(b, &d));
				}
}

/* The table before libseccomp's filter changes nothing of what the filter answers. */
static void test_same_as_libseccomp(void **state)
{
	_cleanup_seccomp_filter_ struct seccomp_filter f = { 0 }, all = { 0 };
	_cleanup_(oci_doc_freep) struct oci_doc *doc = NULL;
	_cleanup_buf_ struct buf json = { 0 };
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	static const uint32_t from[] = { SCMP_ARCH_X86_64, SCMP_ARCH_X86 };
	struct error err;

	(void)state;
	if (seccomp_arch_native() != SCMP_ARCH_X86_64)
		skip();
	assert_int_equal(seccomp_arch_add(ctx, SCMP_ARCH_X86), 0);
	assert_int_equal(seccomp_arch_add(ctx, SCMP_ARCH_X32), 0);
	buf_printf(&json, "%-250s", "{\"defaultAction\": \"SCMP_ACT_KILL_PROCESS\", \"architectures\": [\"SCMP_ARCH_X86_64\", "
				    "\"SCMP_ARCH_X86\", \"SCMP_ARCH_X32\"], \"syscalls\": [");
	for (size_t i = 0; i < ARRAY_SIZE(from); i++)
		for (int n = 0; n < 460; n++) {
			char *name = seccomp_syscall_resolve_num_arch(from[i], n);

			/* of the second only what the first does not have */
			if (name && (i == 0 || seccomp_syscall_resolve_name_arch(from[0], name) < 0) && next_random() % 5)
				add_random_rules(name, seccomp_syscall_resolve_name(name), ctx, &json);
			free(name);
		}
	buf_printf(&json, "]}");
	parse(json.data, json.len, &doc);
	if (seccomp_filter_compile(oci_doc_root(doc), -1, -1, &f, &err) < 0)
		fail_msg("%s", err.msg);
	reference(ctx, &all);
	seccomp_release(ctx);
	compare_filters(&f, &all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden), cmocka_unit_test(test_refused), cmocka_unit_test(test_none),
		cmocka_unit_test(test_flags),  cmocka_unit_test(test_load),
		cmocka_unit_test(test_same_as_libseccomp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
