/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host, as containers will find it: read from /proc and /sys, a row for each thing that a container's start depends on. */
#include "runtime/check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "container/report.h"
#include "linux/caps.h"
#include "linux/cgroup/layout.h"
#include "linux/lsm/lsm.h"
#include "runtime/runtime.h"

enum { TEXT_MAX = 64 << 10 };

/* A file's text without the newline at its end; NULL when it cannot be read. */
static char *read_text(const char *path)
{
	char *text = NULL;

	if (file_read_at(AT_FDCWD, path, TEXT_MAX, &text, NULL) < 0)
		return NULL;
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static void check_kernel(_unused_ const struct runtime *rt, struct report *r)
{
	struct utsname uts;

	uname(&uts);
	report_add(r, REPORT_OK, "kernel", "%s %s, %s", uts.sysname, uts.release, uts.machine);
}

static void check_privileges(const struct runtime *rt, struct report *r)
{
	_cleanup_free_ char *status = NULL;
	uint64_t caps = 0;
	const char *line;

	if (file_read_at(AT_FDCWD, "/proc/self/status", TEXT_MAX, &status, NULL) == 0 && (line = strstr(status, "\nCapEff:\t")))
		num_scan_hex(line + strlen("\nCapEff:\t"), &caps);
	report_add(r, REPORT_OK, "privileges", "%s, user %u, %d of %d capabilities", rt->env.rootless ? "rootless" : "root", (unsigned)geteuid(),
		   __builtin_popcountll(caps), caps_last() + 1);
}

static void check_namespaces(_unused_ const struct runtime *rt, struct report *r)
{
	static const char *const kinds[] = { "mnt", "pid", "net", "ipc", "uts", "user", "cgroup", "time" };
	_cleanup_strv_ char **have = NULL, **lack = NULL;
	_cleanup_free_ char *haves = NULL, *lacks = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		_cleanup_free_ char *path = xasprintf("/proc/self/ns/%s", kinds[i]);

		strv_append(access(path, F_OK) == 0 ? &have : &lack, kinds[i]);
	}
	haves = str_join(have, " ");
	lacks = str_join(lack, " ");
	report_add(r, have ? lack ? REPORT_NOTE : REPORT_OK : REPORT_NO, "namespaces", "%s%s%s", haves, lack ? ", but not " : "", lacks);
}

static void check_user_namespaces(const struct runtime *rt, struct report *r)
{
	_cleanup_free_ char *max = read_text("/proc/sys/user/max_user_namespaces");
	_cleanup_free_ char *unprivileged = read_text("/proc/sys/kernel/unprivileged_userns_clone");
	enum report_status bad = rt->env.rootless ? REPORT_NO : REPORT_NOTE;

	if (!max || str_eq(max, "0"))
		report_add(r, bad, "user namespaces", "none can be made (user.max_user_namespaces is %s)", max ? max : "not there");
	else if (str_eq(unprivileged, "0"))
		report_add(r, bad, "user namespaces", "only root may make them (kernel.unprivileged_userns_clone is 0)");
	else
		report_add(r, REPORT_OK, "user namespaces", "at most %s", max);
}

static void check_cgroups(const struct runtime *rt, struct report *r)
{
	static const char *const modes[] = { [CGROUP_MODE_NONE] = "none mounted", [CGROUP_MODE_V1] = "v1", [CGROUP_MODE_HYBRID] = "hybrid",
					     [CGROUP_MODE_V2] = "v2" };
	_cleanup_cgroup_layout_ struct cgroup_layout l = { 0 };
	_cleanup_strv_ char **names = NULL;
	_cleanup_free_ char *list = NULL;
	struct error err;

	if (cgroup_layout_load(&l, &err) < 0) {
		report_result(r, "cgroups", -err.code, NULL, &err);
		return;
	}
	for (size_t i = 0; i < l.n_mounts; i++) {
		const char *controllers = l.mounts[i].controllers;
		_cleanup_free_ char *path = *controllers ? NULL : xasprintf("%s/cgroup.controllers", l.mounts[i].mount_point);
		_cleanup_free_ char *unified = path ? read_text(path) : NULL, *v2 = unified ? xasprintf("v2(%s)", unified) : NULL;

		strv_append(&names, v2 ? v2 : controllers);
	}
	list = str_join(names, " ");
	report_add(r, l.mode == CGROUP_MODE_NONE && rt->env.cgroup_manager != CGROUP_MANAGER_DISABLED ? REPORT_NO : REPORT_OK, "cgroups", "%s: %s",
		   modes[l.mode], list);
}

static void check_manager(const struct runtime *rt, struct report *r)
{
	bool systemd = access("/run/systemd/system", F_OK) == 0;

	report_add(r, rt->env.cgroup_manager == CGROUP_MANAGER_SYSTEMD && !systemd ? REPORT_NO : REPORT_OK, "cgroup manager", "%s; systemd is %s",
		   cgroup_manager_to_string(rt->env.cgroup_manager), systemd ? "running" : "not running");
}

static void check_seccomp(_unused_ const struct runtime *rt, struct report *r)
{
	_cleanup_free_ char *actions = read_text("/proc/sys/kernel/seccomp/actions_avail");

	report_add(r, actions ? REPORT_OK : REPORT_NO, "seccomp", "%s", actions ? actions : "the kernel has no filters");
}

static void check_lsms(_unused_ const struct runtime *rt, struct report *r)
{
	_cleanup_free_ char *list = read_text("/sys/kernel/security/lsm");

	report_add(r, REPORT_OK, "LSMs", "%s; SELinux is %s, AppArmor is %s", list ? list : "the kernel's list cannot be read",
		   lsm_selinux.enabled() ? "on" : "off", lsm_apparmor.enabled() ? "on" : "off");
}

void check_host(const struct runtime *rt, struct report *r)
{
	static void (*const checks[])(const struct runtime *rt, struct report *r) = {
		check_kernel, check_privileges, check_namespaces, check_user_namespaces, check_cgroups, check_manager, check_seccomp, check_lsms,
	};

	r->section = "host";
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		checks[i](rt, r);
}
