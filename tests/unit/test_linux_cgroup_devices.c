/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Device rules: the list that both cgroup versions are fed from, and the v2 program, run by a small
 * interpreter of eBPF and compared with the rules' meaning for every kind of access.
 */
#include <ocispec/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "linux/cgroup/devices.h"

#define C OCI_DEVICE_RULE_TYPE_C
#define B OCI_DEVICE_RULE_TYPE_B
#define A OCI_DEVICE_RULE_TYPE_A
#define RULE(a, t, ma, mi, acc)                                                                              \
	{                                                                                                    \
		.allow = (a), .type = (t), .has_type = true, .major = (ma), .has_major = true,               \
		.minor = (mi), .has_minor = true, .access = (char *)(acc)                                    \
	}

/* The subset that a device program consists of; anything else, and running on for ever, fails. */
static bool run(const struct bpf_insn *insns, size_t n, const struct bpf_cgroup_dev_ctx *ctx)
{
	uint64_t r[11] = {0};
	size_t pc = 0;

	for (size_t steps = 0; steps < 10000 && pc < n; steps++) {
		const struct bpf_insn *i = &insns[pc++];
		uint64_t *dst = &r[i->dst_reg];

		switch (i->code) {
		case BPF_LDX | BPF_MEM | BPF_W:
			assert_int_equal(i->src_reg, 1);
			*dst = *(const uint32_t *)((const char *)ctx + i->off);
			break;
		case BPF_ALU | BPF_MOV | BPF_X:
			*dst = (uint32_t)r[i->src_reg];
			break;
		case BPF_ALU | BPF_MOV | BPF_K:
			*dst = (uint32_t)i->imm;
			break;
		case BPF_ALU | BPF_RSH | BPF_K:
			*dst = (uint32_t)*dst >> i->imm;
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			*dst = (uint32_t)*dst & (uint32_t)i->imm;
			break;
		case BPF_JMP32 | BPF_JNE | BPF_K:
			pc += (uint32_t)*dst != (uint32_t)i->imm ? (size_t)i->off : 0;
			break;
		case BPF_JMP | BPF_JNE | BPF_K:
			pc += *dst != (uint64_t)(int64_t)i->imm ? (size_t)i->off : 0;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			pc += *dst & (uint64_t)(int64_t)i->imm ? (size_t)i->off : 0;
			break;
		case BPF_JMP | BPF_JA:
			pc += (size_t)i->off;
			break;
		case BPF_JMP | BPF_EXIT:
			return r[0];
		default:
			fail_msg("instruction %zu: code 0x%02x", pc - 1, i->code);
		}
	}
	fail_msg("no end");
	return false;
}

/* What the rules mean: of every bit asked for, the last rule that speaks of it. */
static bool meaning(const struct device_rule *rules, size_t n, char type, unsigned access, unsigned major,
		    unsigned minor)
{
	for (unsigned bit = 1; bit <= DEVICE_ACCESS_ALL; bit <<= 1) {
		bool allowed = false;

		if (!(access & bit))
			continue;
		for (size_t i = 0; i < n; i++) {
			const struct device_rule *d = &rules[i];

			if ((d->type == 'a' || d->type == type) && (d->major < 0 || d->major == major) &&
			    (d->minor < 0 || d->minor == minor) && (d->access & bit))
				allowed = d->allow;
		}
		if (!allowed)
			return false;
	}
	return true;
}

static void compare(const struct device_rule *rules, size_t n)
{
	static const unsigned numbers[] = {0, 1, 3, 5, 8, 11, 136, 200, 4095, 0xfffff, 0xffffffff};
	_cleanup_free_ struct bpf_insn *insns = NULL;
	size_t n_insns;

	device_program(rules, n, &insns, &n_insns);
	for (const char *type = "bc"; *type; type++)
		for (unsigned access = 1; access <= DEVICE_ACCESS_ALL; access++)
			for (size_t ma = 0; ma < ARRAY_SIZE(numbers); ma++)
				for (size_t mi = 0; mi < ARRAY_SIZE(numbers); mi++) {
					struct bpf_cgroup_dev_ctx ctx = {
						.access_type =
							access << 16 | (*type == 'b' ? BPF_DEVCG_DEV_BLOCK
										     : BPF_DEVCG_DEV_CHAR),
						.major = numbers[ma],
						.minor = numbers[mi],
					};
					bool wanted = meaning(rules, n, *type, access, ctx.major, ctx.minor);

					if (run(insns, n_insns, &ctx) != wanted)
						fail_msg("%c %u:%u access %u: wanted %d", *type, ctx.major,
							 ctx.minor, access, wanted);
				}
}

static const struct {
	struct oci_device_rule rules[4];
	size_t n;
	const char *wanted; /* without the always-allowed ones */
} cases[] = {
	{{{0}}, 0, "-a *:* rwm\n"},
	{{RULE(false, A, -1, -1, "rwm"), RULE(true, C, 1, 3, "rw")}, 2, "-a *:* rwm\n+c 1:3 rw\n"},
	{{RULE(true, C, 8, 0, "r"), RULE(true, A, -1, -1, "rwm")}, 2, "+a *:* rwm\n"},
	{{RULE(true, A, -1, -1, "mwr"), RULE(false, B, 8, -1, "w")}, 2, "+a *:* rwm\n-b 8:* w\n"},
	{{RULE(true, A, -1, -1, "r")}, 1, "-a *:* rwm\n+c *:* r\n+b *:* r\n"}, /* no reset: not all access */
	{{RULE(true, A, 1, -1, "rwm")}, 1, "-a *:* rwm\n+c 1:* rwm\n+b 1:* rwm\n"},
	{{RULE(true, C, 1, 3, "rw"), RULE(false, C, 1, -1, "w"), RULE(true, C, 1, 5, "w")},
	 3,
	 "-a *:* rwm\n+c 1:3 rw\n-c 1:* w\n+c 1:5 w\n"},
	{{{.allow = true}}, 1, "+a *:* rwm\n"}, /* all defaults */
	{{RULE(true, C, 4294967295, 2147483648, "r")}, 1, "-a *:* rwm\n+c 4294967295:2147483648 r\n"},
};

static const char always[] = "+c *:* m\n+b *:* m\n+c 1:3 rwm\n+c 1:5 rwm\n+c 1:7 rwm\n+c 1:8 rwm\n+c 1:9 "
			     "rwm\n+c 5:0 rwm\n+c 5:2 rwm\n"
			     "+c 136:* rwm\n+c 10:200 rwm\n";

static void test_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct oci_resources r = {.devices = (struct oci_device_rule *)cases[i].rules,
					  .n_devices = cases[i].n};
		_cleanup_free_ struct device_rule *rules = NULL;
		_cleanup_free_ char *text = NULL, *wanted = NULL;
		_cleanup_buf_ struct buf got = {0};
		struct error err;
		size_t n;

		assert_int_equal(device_rules_from_oci(&r, &rules, &n, &err), 0);
		for (size_t k = 0; k < n; k++) {
			char line[DEVICE_RULE_TEXT_MAX];

			device_rule_to_text(&rules[k], line);
			buf_printf(&got, "%c%s\n", rules[k].allow ? '+' : '-', line);
		}
		text = buf_take(&got);
		wanted = xasprintf("%s%s", cases[i].wanted, device_rules_allow_all(rules, n) ? "" : always);
		assert_string_equal(text, wanted);
		compare(rules, n);
	}
}

static void test_without_resources(void **state)
{
	_cleanup_free_ struct device_rule *rules = NULL;
	struct error err;
	size_t n;

	(void)state;
	assert_int_equal(device_rules_from_oci(NULL, &rules, &n, &err), 0);
	assert_false(rules[0].allow);
	assert_false(device_rules_allow_all(rules, n));
	compare(rules, n);
}

static void test_bad(void **state)
{
	static const struct {
		struct oci_device_rule rule;
		const char *wanted;
	} bad[] = {
		{RULE(true, C, 1, 3, ""), "linux.resources.devices[1].access: must not be empty"},
		{RULE(true, C, 1, 3, "rx"),
		 "linux.resources.devices[1].access: \"rx\" has letters other than r, w and m"},
		{RULE(true, C, -2, 3, "r"),
		 "linux.resources.devices[1].major: -2 is out of range (-1 .. 4294967295)"},
		{RULE(true, C, 1, 4294967296, "r"),
		 "linux.resources.devices[1].minor: 4294967296 is out of range (-1 .. 4294967295)"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct oci_device_rule rules[] = {RULE(false, A, -1, -1, "rwm"), bad[i].rule};
		struct oci_resources r = {.devices = rules, .n_devices = 2};
		struct device_rule *list = NULL;
		struct error err;
		size_t n;

		assert_true(device_rules_from_oci(&r, &list, &n, &err) < 0);
		assert_string_equal(err.msg, bad[i].wanted);
		assert_null(list);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_without_resources),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
