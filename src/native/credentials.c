/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From the runtime's privileges to the process's. capabilities(7) "Effect of user ID changes on
 * capabilities": the permitted set survives setresuid(2) only with keepcaps, the effective one never, so the
 * sets are written after it. seccomp(2): a filter needs no_new_privs or CAP_SYS_ADMIN; without the first it
 * is loaded while we have the second, and has to allow the calls below.
 */
#include <errno.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "linux/sys.h"
#include "native/plan.h"
#include "native/setup.h"
#include "native/sync.h"

static int set_groups(const struct plan_process *p, struct error *err)
{
	int r = p->keep_groups ? 0 : sys_setgroups(p->n_gids, p->gids);

	/* a user namespace without gid map of its own may not: fine as long as nothing was asked for */
	if (r == -EPERM && p->n_gids == 0)
		return 0;
	if (r == -EPERM)
		return error_set(err, EPERM,
				 "process.user.additionalGids: no groups can be set here: a user namespace whose gid map was written "
				 "without privileges has none (user_namespaces(7))");
	return r < 0 ? error_errnum(err, r, "process.user.additionalGids: setgroups") : 0;
}

static int id_error(int r, const char *field, unsigned id, struct error *err)
{
	return r == -EINVAL ? error_set(err, EINVAL, "%s: %u is not mapped in the container's user namespace", field, id)
			    : error_errnum(err, r, "%s: cannot become %u", field, id);
}

static int set_user(const struct plan_process *p, struct error *err)
{
	int r = set_groups(p, err);

	if (r < 0)
		return r;
	r = sys_setresgid(p->gid);
	if (r < 0)
		return id_error(r, "process.user.gid", p->gid, err);
	r = sys_setresuid(p->uid);
	if (r < 0)
		return id_error(r, "process.user.uid", p->uid, err);
	umask(p->umask);
	return 0;
}

static int set_no_new_privs(const struct plan_process *p, struct error *err)
{
	int r = p->no_new_privs ? sys_prctl(PR_SET_NO_NEW_PRIVS, 1, 0) : 0;

	return r < 0 ? error_errnum(err, r, "process.noNewPrivileges") : 0;
}

/* The filter, and at once to the parent what its notifications come from: the next call may be one of them.
 */
static int load_filter(const struct plan_process *p, int sync_fd, struct error *err)
{
	int listener, r = seccomp_filter_load(&p->seccomp, &listener, err);

	if (r < 0 || listener < 0)
		return r;
	r = sync_pass_listener(sync_fd, listener, err);
	close(listener);
	return r;
}

int credentials_apply(const struct plan_process *p, int sync_fd, struct error *err)
{
	int r = p->no_new_privs ? 0 : load_filter(p, sync_fd, err);

	if (r == 0)
		r = caps_drop_bounding(&p->caps, err);
	if (r == 0)
		r = caps_keep(true, err);
	if (r == 0)
		r = set_user(p, err);
	if (r == 0)
		r = caps_apply(&p->caps, NULL, err);
	if (r == 0)
		r = set_no_new_privs(p, err);
	if (r == 0 && p->no_new_privs)
		r = load_filter(p, sync_fd, err);
	return r;
}
