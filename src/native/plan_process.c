/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * process, and what linux.* says about processes, as data: for the container's own and for each exec.
 * runtime-spec config.md "Process".
 */
#include <errno.h>
#include <ocispec/types.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "container/annotation.h"
#include "linux/ioprio.h"
#include "linux/personality.h"
#include "native/plan.h"

enum { DEFAULT_UMASK = 0022 };

/* The environment with one entry a name, the last one winning, and room for HOME. Strings are borrowed. */
static void plan_env(const struct oci_process *from, struct plan_process *p)
{
	p->env = xcalloc(from->n_env + 2, sizeof(*p->env));
	for (size_t i = 0; i < from->n_env; i++) {
		size_t len = strcspn(from->env[i], "="), k = 0;

		while (k < p->n_env && (strncmp(p->env[k], from->env[i], len) != 0 || p->env[k][len] != '='))
			k++;
		p->env[k] = from->env[i];
		if (k == p->n_env)
			p->n_env++;
	}
	/* an empty HOME is as good as none: the entry goes */
	for (size_t k = 0; k < p->n_env; k++) {
		if (strcmp(p->env[k], "HOME=") != 0)
			continue;
		memmove(&p->env[k], &p->env[k + 1], (p->n_env - k) * sizeof(*p->env)); /* the NULL too */
		p->n_env--;
	}
	p->needs_home = strv_env_get(p->env, "HOME") == NULL;
}

static void plan_user(const struct oci_user *u, struct plan_process *p)
{
	p->umask = DEFAULT_UMASK;
	if (!u)
		return;
	p->uid = u->uid;
	p->gid = u->gid;
	p->gids = u->additional_gids;
	p->n_gids = u->n_additional_gids;
	if (u->has_umask)
		p->umask = u->umask;
}

static void plan_terminal(const struct oci_process *from, struct plan_process *p)
{
	p->terminal = from->terminal;
	if (from->terminal && from->console_size) {
		p->rows = from->console_size->height;
		p->columns = from->console_size->width;
	}
}

static int plan_limits(const struct oci_config *config, const struct oci_process *from,
		       struct plan_process *p, struct error *err)
{
	const struct oci_linux *l = config->linux_;
	int r = rlimits_from_oci(from->rlimits, from->n_rlimits, &p->rlimits, err);

	if (r == 0)
		r = scheduler_from_oci(from->scheduler, &p->scheduler, err);
	if (r == 0)
		r = affinity_from_oci(from->exec_cpu_affinity, &p->affinity, err);
	if (r == 0)
		r = ioprio_from_oci(from->io_priority, &p->ioprio, err);
	if (r == 0)
		r = personality_from_oci(l ? l->personality : NULL, &p->personality, err);
	if (r == 0)
		r = mempolicy_from_oci(l ? l->memory_policy : NULL, &p->mempolicy, err);
	return r;
}

static int plan_seccomp(const struct oci_config *config, const struct plan_facts *facts, struct plan_process *p, struct error *err)
{
	const struct oci_seccomp *s = config->linux_ ? config->linux_->seccomp : NULL;
	const char *raw = annotation_get(config->annotations, ANNOTATION_SECCOMP_RAW);

	if (raw)
		return seccomp_filter_raw(raw, "annotation run.oci.seccomp_bpf_data", s, &p->seccomp, err);
	p->listener_path = s ? s->listener_path : NULL;
	p->listener_metadata = s ? s->listener_metadata : NULL;
	if (annotation_is_on(config->annotations, ANNOTATION_SECCOMP_STRICT) && seccomp_check_names(s, err) < 0)
		return -err->code;
	return seccomp_filter_compile(s, facts->seccomp_cache_fd, facts->state_dirfd, &p->seccomp, err);
}

int plan_process(const struct oci_config *config, const struct oci_process *from,
		 const struct plan_facts *facts, struct plan_process *ret, char ***warnings,
		 struct error *err)
{
	struct plan_process p = {
		.args = from->n_args ? from->args : NULL,
		.cwd = from->cwd,
		.no_new_privs = from->no_new_privileges,
		.labels = {
			.selinux = from->selinux_label,
			.apparmor = from->apparmor_profile,
			.mount = config->linux_ ? config->linux_->mount_label : NULL,
		},
		.has_oom_score_adj = from->has_oom_score_adj,
		.oom_score_adj = from->oom_score_adj,
		.keyring = facts->no_new_keyring ? NULL : xasprintf("_ses.%s", facts->id),
	};
	int r;

	plan_env(from, &p);
	plan_user(from->user, &p);
	p.keep_groups = annotation_is_on(config->annotations, ANNOTATION_KEEP_GROUPS);
	plan_terminal(from, &p);
	caps_from_oci(from->capabilities, facts->grantable, &p.caps, warnings);
	r = plan_limits(config, from, &p, err);
	if (r == 0)
		r = plan_seccomp(config, facts, &p, err);
	if (r < 0) {
		plan_process_done(&p);
		return r;
	}
	*ret = p;
	return 0;
}

void plan_process_done(struct plan_process *p)
{
	free(p->env);
	free(p->keyring);
	seccomp_filter_done(&p->seccomp);
	p->env = NULL;
	p->keyring = NULL;
}
