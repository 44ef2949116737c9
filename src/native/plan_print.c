/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plan as text, one fact a line, nothing left out: what golden tests compare and a debug log shows. */
#include <inttypes.h>
#include <ocispec/doc.h>
#include <ocispec/types.h>
#include <sys/stat.h>

#include "linux/namespace.h"
#include "linux/sys.h"
#include "native/plan.h"

static const char *or_dash(const char *s)
{
	return s && s[0] ? s : "-";
}

static void print_namespaces(const struct plan_namespaces *ns, struct buf *out)
{
	for (const struct namespace_type *t = namespace_types; t->type; t++)
		if (ns->create & (uint64_t)t->type)
			buf_printf(out, "namespace %s: new\n", t->name);
	for (size_t i = 0; i < ns->n_join; i++)
		buf_printf(out, "namespace %s: join %s\n", namespace_type(ns->join[i].type)->name,
			   ns->join[i].path);
	for (size_t i = 0; i < ns->n_uids; i++)
		buf_printf(out, "uid map: %u %u %u\n", ns->uids[i].inside, ns->uids[i].outside,
			   ns->uids[i].count);
	for (size_t i = 0; i < ns->n_gids; i++)
		buf_printf(out, "gid map: %u %u %u\n", ns->gids[i].inside, ns->gids[i].outside,
			   ns->gids[i].count);
	if (ns->time_offsets[0])
		buf_printf(out, "time offsets:\n%s", ns->time_offsets);
}

static const struct {
	uint64_t bit;
	const char *name;
} attributes[] = {
	{ MOUNT_ATTR_RDONLY, "ro" },
	{ MOUNT_ATTR_NOSUID, "nosuid" },
	{ MOUNT_ATTR_NODEV, "nodev" },
	{ MOUNT_ATTR_NOEXEC, "noexec" },
	{ MOUNT_ATTR_NOATIME, "noatime" },
	{ MOUNT_ATTR_STRICTATIME, "strictatime" },
	{ MOUNT_ATTR_NODIRATIME, "nodiratime" },
	{ MOUNT_ATTR_NOSYMFOLLOW, "nosymfollow" },
};

static void print_attributes(const char *prefix, uint64_t bits, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++)
		if (bits & attributes[i].bit)
			buf_printf(out, " %s%s", prefix, attributes[i].name);
}

static const struct {
	unsigned bit;
	const char *name;
} extras[] = {
	{ MOUNT_EXTRA_TMPCOPYUP, "tmpcopyup" },
	{ MOUNT_EXTRA_IDMAP, "idmap" },
	{ MOUNT_EXTRA_RIDMAP, "ridmap" },
	{ MOUNT_EXTRA_RECURSIVE, "recursive" },
	{ MOUNT_EXTRA_COPY_SYMLINK, "copy-symlink" },
	{ MOUNT_EXTRA_SRC_NOFOLLOW, "src-nofollow" },
	{ MOUNT_EXTRA_DEST_NOFOLLOW, "dest-nofollow" },
};

static void print_propagation(unsigned p, struct buf *out)
{
	buf_printf(out, " %s%s", p & MS_REC ? "r" : "",
		   p & MS_SHARED       ? "shared"
		   : p & MS_SLAVE      ? "slave"
		   : p & MS_PRIVATE    ? "private"
		   : p & MS_UNBINDABLE ? "unbindable"
				       : "default");
}

static void print_idmap(char letter, const struct id_map *maps, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(out, " %cid(%u %u %u)", letter, maps[i].inside, maps[i].outside, maps[i].count);
}

static void print_mount(const struct plan_mount *m, struct buf *out)
{
	static const char *const kinds[_PLAN_MOUNT_KIND_MAX] = {
		[PLAN_MOUNT_FS] = "fs",
		[PLAN_MOUNT_BIND] = "bind",
		[PLAN_MOUNT_CGROUP] = "cgroup",
		[PLAN_MOUNT_REMOUNT] = "remount",
	};
	const struct mount_options *o = &m->options;

	buf_printf(out, "mount %s %s type %s source %s:", kinds[m->kind], m->destination, or_dash(m->type),
		   or_dash(m->source));
	print_attributes("+", o->attr.set, out);
	print_attributes("-", o->attr.clr & ~o->attr.set, out);
	print_attributes("r+", o->rec.set, out);
	print_attributes("r-", o->rec.clr & ~o->rec.set, out);
	for (size_t i = 0; i < ARRAY_SIZE(extras); i++)
		if (o->extra & extras[i].bit)
			buf_printf(out, " %s", extras[i].name);
	print_idmap('u', m->idmap.uids, m->idmap.n_uids, out);
	print_idmap('g', m->idmap.gids, m->idmap.n_gids, out);
	for (size_t i = 0; i < o->n_propagation; i++)
		print_propagation(o->propagation[i], out);
	for (size_t i = 0; i < o->n_data; i++)
		buf_printf(out, " data(%s)", o->data[i]);
	buf_printf(out, "%s%s\n", m->plain_dir ? " plain-dir" : "", m->inherit_mode ? " inherit-mode" : "");
}

static char type_letter(mode_t mode)
{
	return S_ISCHR(mode) ? 'c' : S_ISBLK(mode) ? 'b' : 'p';
}

static void print_layer(const struct layer_spec *l, struct buf *out)
{
	if (l->kind == LAYER_NONE)
		return;
	buf_printf(out, "layer %s", l->kind == LAYER_MEMORY ? "memory" : "overlay");
	if (l->size)
		buf_printf(out, " size %" PRIu64, l->size);
	buf_append_str(out, l->keep ? " keep\n" : "\n");
}

static void print_rootfs(const struct plan_rootfs *r, struct buf *out)
{
	buf_printf(out, "rootfs %s%s%s propagation", r->path, r->readonly ? " readonly" : "",
		   r->no_pivot ? " no-pivot" : "");
	print_propagation(r->propagation, out);
	buf_printf(out, "\npopulate /dev: %s\n", r->populate_dev ? "yes" : "no");
	for (size_t i = 0; i < r->n_mounts; i++)
		print_mount(&r->mounts[i], out);
	for (size_t i = 0; i < r->n_devices; i++) {
		const struct plan_device *d = &r->devices[i];

		buf_printf(out, "device %s %c %u:%u mode %04o owner %u:%u\n", d->path, type_letter(d->mode),
			   d->major, d->minor, (unsigned)d->mode & 07777, d->uid, d->gid);
	}
	for (size_t i = 0; i < r->n_masked; i++)
		buf_printf(out, "masked %s\n", r->masked[i]);
	for (size_t i = 0; i < r->n_readonly_paths; i++)
		buf_printf(out, "read-only %s\n", r->readonly_paths[i]);
	buf_printf(out, "mount label: %s\n", or_dash(r->mount_label));
}

static void print_user(const struct plan_process *p, struct buf *out)
{
	buf_printf(out, "user %u:%u groups", p->uid, p->gid);
	for (size_t i = 0; i < p->n_gids; i++)
		buf_printf(out, " %u", p->gids[i]);
	buf_printf(out, "\numask %04o\ncwd %s\n", (unsigned)p->umask, p->cwd);
	buf_printf(out, "no new privileges: %s\n", p->no_new_privs ? "yes" : "no");
	buf_printf(out, "caps bounding %010" PRIx64 " effective %010" PRIx64 " permitted %010" PRIx64,
		   p->caps.bounding, p->caps.effective, p->caps.permitted);
	buf_printf(out, " inheritable %010" PRIx64 " ambient %010" PRIx64 "\n", p->caps.inheritable,
		   p->caps.ambient);
}

static void print_limits(const struct plan_process *p, struct buf *out)
{
	for (size_t i = 0; i < p->rlimits.n; i++)
		buf_printf(out, "rlimit %s %" PRIu64 " %" PRIu64 "\n",
			   rlimit_to_string(p->rlimits.items[i].resource),
			   (uint64_t)p->rlimits.items[i].limit.rlim_cur,
			   (uint64_t)p->rlimits.items[i].limit.rlim_max);
	if (p->scheduler.set)
		buf_printf(out, "scheduler %u flags %" PRIx64 " nice %d priority %u\n", p->scheduler.policy,
			   p->scheduler.flags, p->scheduler.nice, p->scheduler.priority);
	if (p->ioprio >= 0)
		buf_printf(out, "io priority %#x\n", (unsigned)p->ioprio);
	if (p->personality >= 0)
		buf_printf(out, "personality %#lx\n", (unsigned long)p->personality);
	if (p->mempolicy.set)
		buf_printf(out, "memory policy %#x\n", (unsigned)p->mempolicy.mode);
	if (p->has_oom_score_adj)
		buf_printf(out, "oom score %d\n", p->oom_score_adj);
	buf_printf(out, "seccomp: %s\n", p->seccomp.n_insns ? "yes" : "no");
	buf_printf(out, "labels selinux %s apparmor %s\n", or_dash(p->labels.selinux),
		   or_dash(p->labels.apparmor));
	buf_printf(out, "keyring: %s\n", or_dash(p->keyring));
}

static void print_process(const struct plan_process *p, struct buf *out)
{
	if (!p->args) {
		buf_append_str(out, "no process\n");
		return;
	}
	for (char *const *a = p->args; *a; a++)
		buf_printf(out, "arg %s\n", *a);
	for (size_t i = 0; i < p->n_env; i++)
		buf_printf(out, "env %s\n", p->env[i]);
	buf_printf(out, "HOME: %s\n", p->needs_home ? "from /etc/passwd" : "given");
	buf_printf(out, "terminal: %s", p->terminal ? "yes" : "no");
	if (p->rows || p->columns)
		buf_printf(out, " %u x %u", p->rows, p->columns);
	buf_append_str(out, "\n");
	print_user(p, out);
	print_limits(p, out);
}

void native_plan_print(const struct native_plan *p, struct buf *out)
{
	const struct oci_hooks *h = p->hooks;

	print_namespaces(&p->namespaces, out);
	buf_printf(out, "hostname: %s\ndomainname: %s\n", or_dash(p->hostname), or_dash(p->domainname));
	for (size_t i = 0; p->sysctl && i < p->sysctl->n; i++)
		buf_printf(out, "sysctl %s = %s\n", p->sysctl->entries[i].key, p->sysctl->entries[i].value);
	if (p->delegate)
		buf_printf(out, "cgroup delegated: %s\n", p->delegate);
	if (p->cgroup_owner >= 0)
		buf_printf(out, "cgroup owner %lld\n", (long long)p->cgroup_owner);
	print_rootfs(&p->rootfs, out);
	print_layer(&p->rootfs.layer, out);
	print_process(&p->process, out);
	buf_printf(out, "hooks prestart %zu createRuntime %zu createContainer %zu startContainer %zu\n",
		   h->n_prestart, h->n_create_runtime, h->n_create_container, h->n_start_container);
	for (char **w = p->warnings; w && *w; w++)
		buf_printf(out, "warning: %s\n", *w);
}
