/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_CGROUP_DEVICES_H
#define HV_LINUX_CGROUP_DEVICES_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"

struct oci_resources;

/* One rule, as the kernel sees devices: type 'a' only with any number and all access, and then it resets what
 * came before. */
struct device_rule {
	bool allow;
	char type;       /* 'a', 'b', 'c' */
	int64_t major;   /* -1 = any */
	int64_t minor;   /* -1 = any */
	unsigned access; /* BPF_DEVCG_ACC_{MKNOD,READ,WRITE} */
};

enum { DEVICE_ACCESS_ALL = BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE };

/*
 * linux.resources.devices as a list (pure): deny all, then the rules in their order, then the runtime's
 * always-allowed ones (null, zero, full, random, urandom, tty, ptmx, ptys, tun, and mknod of anything).
 * Shortened to what follows the last reset. *ret is free()d by the caller.
 */
int device_rules_from_oci(const struct oci_resources *r, struct device_rule **ret, size_t *ret_n,
			  struct error *err);

/* "c 1:3 rwm", the form of devices.allow and devices.deny. */
enum { DEVICE_RULE_TEXT_MAX = 64 };
void device_rule_to_text(const struct device_rule *rule, char buf[static DEVICE_RULE_TEXT_MAX]);

/* Whether the rules let everything pass. */
bool device_rules_allow_all(const struct device_rule *rules, size_t n);

/*
 * The BPF_PROG_TYPE_CGROUP_DEVICE program that decides as the rules do (pure): for every access bit that is
 * asked for, the last rule that names the device and the bit decides; a bit without a rule is denied. *ret is
 * free()d by the caller.
 */
void device_program(const struct device_rule *rules, size_t n, struct bpf_insn **ret, size_t *ret_n);

/*
 * Loads the program of the rules that every container has, and keeps it: device_program_attach() of the same one finds it loaded. Once in
 * a process; children have it, too, as long as the fd is open. Returns the CLOEXEC fd, for the caller to leave open, or < 0 with *err.
 */
int device_program_preload(struct error *err);

/* Loads the program and makes it the only device program of the v2 group. */
int device_program_attach(int cgroup_dirfd, const struct bpf_insn *insns, size_t n, struct error *err);

#endif
