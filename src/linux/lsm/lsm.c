/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Security modules as a table: what config.json asks for must be there (fail closed), what it does not ask
 * for costs nothing. Labels are set by a write below /proc/thread-self/attr, proc_pid_attr(5), through a
 * procfs that no container can have replaced.
 */
#include "linux/lsm/lsm.h"

#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/str.h"
#include "linux/procfs.h"

static const struct {
	const struct lsm_ops *ops;
	size_t label; /* in struct lsm_labels */
} modules[] = {
	{&lsm_selinux, offsetof(struct lsm_labels, selinux)},
	{&lsm_apparmor, offsetof(struct lsm_labels, apparmor)},
};

static const char *label_of(const struct lsm_labels *labels, size_t i)
{
	return *(const char *const *)((const char *)labels + modules[i].label);
}

int lsm_validate(const struct lsm_labels *labels, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(modules); i++) {
		const char *label = label_of(labels, i);
		int r;

		if (str_is_empty(label))
			continue;
		r = modules[i].ops->validate(label, err);
		if (r < 0)
			return r;
	}
	if (str_is_empty(labels->mount))
		return 0;
	if (strpbrk(labels->mount, "\"\\\n"))
		return error_set(err, EINVAL, "linux.mountLabel: \"%s\" has a character that no label has",
				 labels->mount);
	if (!lsm_selinux.enabled())
		return error_set(
			err, EOPNOTSUPP,
			"linux.mountLabel: \"%s\" is set, but SELinux is not enabled on this machine",
			labels->mount);
	return 0;
}

int lsm_set_exec_labels(int procfs_fd, const struct lsm_labels *labels, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(modules); i++) {
		const char *label = label_of(labels, i);
		int r = str_is_empty(label) ? 0 : modules[i].ops->set_exec_label(procfs_fd, label, err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* setkeycreatecon(3): an empty write takes the label away again. */
int lsm_set_key_label(int procfs_fd, const struct lsm_labels *labels, bool clear, struct error *err)
{
	int r;

	if (str_is_empty(labels->selinux))
		return 0;
	r = procfs_write(procfs_fd, "thread-self/attr/keycreate", clear ? "" : labels->selinux,
			 clear ? 0 : strlen(labels->selinux) + 1);
	return r < 0 ? error_errnum(err, r, "process.selinuxLabel: cannot label the session keyring \"%s\"",
				    labels->selinux) : 0;
}

char *lsm_mount_options(const struct lsm_labels *labels, const char *data)
{
	bool has_data = !str_is_empty(data);

	if (str_is_empty(labels->mount))
		return has_data ? xstrdup(data) : NULL;
	return xasprintf("%s%scontext=\"%s\"", has_data ? data : "", has_data ? "," : "", labels->mount);
}

bool lsm_is_enabled(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(modules); i++)
		if (str_eq(modules[i].ops->name, name))
			return modules[i].ops->enabled();
	return false;
}
