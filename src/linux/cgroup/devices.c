/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Device rules: from linux.resources.devices (runtime-spec config-linux.md, "Allowed Device list") to one
 * list that both kernel interfaces are made from, devices.allow / devices.deny of cgroup v1 and the BPF
 * program of v2 (devices-bpf.c). Pure.
 */
#include "linux/cgroup/devices.h"

#include <errno.h>
#include <ocispec/types.h>
#include <stdio.h>

#include "base/mem.h"

#define RWM DEVICE_ACCESS_ALL

/* What a container needs whatever its rules say: to make nodes (using them is another matter) and the devices
 * of "Default Devices". */
static const struct device_rule always_allowed[] = {
	{true, 'c', -1, -1, BPF_DEVCG_ACC_MKNOD},
	{true, 'b', -1, -1, BPF_DEVCG_ACC_MKNOD},
	{true, 'c', 1, 3, RWM},    /* null */
	{true, 'c', 1, 5, RWM},    /* zero */
	{true, 'c', 1, 7, RWM},    /* full */
	{true, 'c', 1, 8, RWM},    /* random */
	{true, 'c', 1, 9, RWM},    /* urandom */
	{true, 'c', 5, 0, RWM},    /* tty */
	{true, 'c', 5, 2, RWM},    /* ptmx */
	{true, 'c', 136, -1, RWM}, /* pts */
	{true, 'c', 10, 200, RWM}, /* net/tun */
};

static const struct {
	char letter;
	unsigned bit;
} accesses[] = {
	{'r', BPF_DEVCG_ACC_READ},
	{'w', BPF_DEVCG_ACC_WRITE},
	{'m', BPF_DEVCG_ACC_MKNOD},
};

static int parse_access(const char *text, size_t i, unsigned *ret, struct error *err)
{
	*ret = 0;
	if (!text) {
		*ret = RWM;
		return 0;
	}
	for (const char *p = text; *p; p++) {
		unsigned bit = 0;

		for (size_t k = 0; k < ARRAY_SIZE(accesses); k++)
			if (accesses[k].letter == *p)
				bit = accesses[k].bit;
		if (!bit)
			return error_set(err, EINVAL,
					 "linux.resources.devices[%zu].access: \"%s\" has letters other than "
					 "r, w and m",
					 i, text);
		*ret |= bit;
	}
	if (!*ret)
		return error_set(err, EINVAL, "linux.resources.devices[%zu].access: must not be empty", i);
	return 0;
}

static int parse_number(bool has, int64_t v, size_t i, const char *field, int64_t *ret, struct error *err)
{
	*ret = has ? v : -1;
	if (*ret < -1 || *ret > UINT32_MAX)
		return error_set(err, EINVAL,
				 "linux.resources.devices[%zu].%s: %lld is out of range (-1 .. 4294967295)",
				 i, field, (long long)v);
	return 0;
}

/* A rule for all types that is not a reset stands for one rule of each type: no kernel interface has another
 * word for it. */
static size_t add_rule(struct device_rule *rules, size_t n, const struct device_rule *rule)
{
	if (rule->type != 'a') {
		rules[n++] = *rule;
		return n;
	}
	if (rule->major == -1 && rule->minor == -1 && rule->access == RWM) {
		rules[0] = *rule;
		return 1;
	}
	for (const char *type = "cb"; *type; type++) {
		rules[n] = *rule;
		rules[n++].type = *type;
	}
	return n;
}

static const char types[] = {
	[OCI_DEVICE_RULE_TYPE_A] = 'a',
	[OCI_DEVICE_RULE_TYPE_B] = 'b',
	[OCI_DEVICE_RULE_TYPE_C] = 'c',
};

static int parse_rule(const struct oci_device_rule *d, size_t i, struct device_rule *ret, struct error *err)
{
	int r;

	*ret = (struct device_rule){.allow = d->allow, .type = d->has_type ? types[d->type] : 'a'};
	r = parse_number(d->has_major, d->major, i, "major", &ret->major, err);
	if (r < 0)
		return r;
	r = parse_number(d->has_minor, d->minor, i, "minor", &ret->minor, err);
	if (r < 0)
		return r;
	return parse_access(d->access, i, &ret->access, err);
}

int device_rules_from_oci(const struct oci_resources *res, struct device_rule **ret, size_t *ret_n,
			  struct error *err)
{
	static const struct device_rule deny_all = {false, 'a', -1, -1, RWM};
	_cleanup_free_ struct device_rule *rules = NULL;
	size_t n_oci = res ? res->n_devices : 0, n = 0;

	rules = xcalloc(1 + 2 * n_oci + ARRAY_SIZE(always_allowed), sizeof(*rules));
	n = add_rule(rules, n, &deny_all);
	for (size_t i = 0; i < n_oci; i++) {
		struct device_rule rule;
		int r = parse_rule(&res->devices[i], i, &rule, err);

		if (r < 0)
			return r;
		n = add_rule(rules, n, &rule);
	}
	for (size_t i = 0; i < ARRAY_SIZE(always_allowed) && !device_rules_allow_all(rules, n); i++)
		n = add_rule(rules, n, &always_allowed[i]);
	*ret = TAKE_PTR(rules);
	*ret_n = n;
	return 0;
}

bool device_rules_allow_all(const struct device_rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!rules[i].allow)
			return false;
	return n > 0 && rules[0].type == 'a';
}

static const char *number(int64_t n, char buf[static 24])
{
	if (n < 0)
		return "*";
	snprintf(buf, 24, "%lld", (long long)n);
	return buf;
}

void device_rule_to_text(const struct device_rule *rule, char buf[static DEVICE_RULE_TEXT_MAX])
{
	char major[24], minor[24], access[4];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(accesses); i++)
		if (rule->access & accesses[i].bit)
			access[n++] = accesses[i].letter;
	access[n] = '\0';
	snprintf(buf, DEVICE_RULE_TEXT_MAX, "%c %s:%s %s", rule->type, number(rule->major, major),
		 number(rule->minor, minor), access);
}
