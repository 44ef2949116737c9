/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Templates: a VM that has booted up to the agent's HELLO, saved once and copied for every container. Who makes one holds the store's lock, and has
 * a worker do it in a cgroup of its own, so that neither its memory nor its time is a container's. Killed at any moment, it leaves
 * <name>.new and an empty cgroup, which the next one takes over.
 */
#include "hyperv/template.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include <ocispec/types.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "container/env.h"
#include "container/settings.h"
#include "hyperv/choice.h"
#include "hyperv/hyperv.h"
#include "hyperv/launch.h"
#include "hyperv/spec.h"
#include "hyperv/template_key.h"
#include "hyperv/userns.h"
#include "linux/cgroup/cgroup.h"
#include "proto/client.h"
#include "proto/message.h"
#include "schema/json.h"
#include "schema/types.h"

#define CGROUP_FILE "cgroup"	/* cgroup_to_strings(), a line each, while one is made */
#define SHARE_NAME "share"	/* the 9p export of a VM that mounts none */

enum { NICS_MAX = 4, DISKS_MAX = 2 }; /* a VM for more is booted */
enum { SAVE_GRACE_MS = 20000, CGROUP_TIMEOUT_MS = 5000, CGROUP_FILE_MAX = 64 << 10 };

/* What is looked for, or made. */
struct wanted {
	const struct env *env;
	struct vm_spec vm;
	const char *binary;
	const struct vmm_ops *vmm;
	char *key;
	char name[TEMPLATE_NAME_SIZE];
	struct template_store store;
};

static const struct settings_hyperv *settings_of(const struct wanted *t)
{
	return &t->env->settings->hyperv;
}

static void wanted_done(struct wanted *t)
{
	template_store_done(&t->store);
	free(t->key);
}
#define _cleanup_wanted_ _cleanup_(wanted_done)

/* The store is open and the key is known afterwards. */
static int wanted_init(struct wanted *t, const struct env *env, const struct vm_spec *vm, const char *binary, struct error *err)
{
	_cleanup_template_facts_ struct template_facts facts = { 0 };
	int r;

	t->env = env;
	t->vm = *vm;
	t->vm.virtiofs = false;
	t->vm.memory = template_memory(vm->memory, settings_of(t)->memory);
	t->binary = binary;
	t->vmm = vmm_find(settings_of(t)->vmm, err);
	if (!t->vmm)
		return -err->code;
	r = template_facts_get(&t->vm, binary, &facts, err);
	if (r < 0)
		return r;
	t->key = template_key(t->vmm, &t->vm, binary, &facts);
	template_key_name(t->key, t->name);
	return template_store_open(settings_of(t), true, &t->store, err);
}

/* making one ----------------------------------------------------------------------------------------------------------------------- */

/* One for each store: it belongs to whoever has the lock. No container can have a name like this. */
static int make_cgroup(const struct wanted *t, struct cgroup **ret, struct error *err)
{
	const struct oci_config nothing = { 0 };
	_cleanup_free_ char *name = NULL;
	struct cgroup_request req = { .manager = t->env->cgroup_manager, .rootless = t->env->rootless };
	struct host_limits limits;
	struct stat st;

	if (fstat(t->store.dirfd, &st) < 0)
		return error_errno(err, "templates: %s", t->store.dir);
	req.id = name = xasprintf(".template-%llx-%llx", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);

	spec_make_host_limits(&nothing, &t->vm, &limits);
	req.resources = &limits.resources;
	return cgroup_create(&req, ret, err);
}

static void remove_cgroup(struct cgroup *cgroup)
{
	const struct cgroup_hierarchy *h;
	struct error err;

	if (!cgroup || cgroup_hierarchies(cgroup, &h) == 0)
		return;
	if (cgroup_signal(cgroup, SIGKILL, &err) < 0 || cgroup_remove(cgroup, CGROUP_TIMEOUT_MS, &err) < 0)
		log_warning("templates: %s", err.msg);
}

/* Beside the half template it says what else there is to remove, should we be killed. */
static int note_cgroup(int dirfd, const struct cgroup *cgroup, struct error *err)
{
	_cleanup_strv_ char **groups = cgroup_to_strings(cgroup);
	_cleanup_free_ char *lines = str_join(groups, "\n");
	int r = file_replace_at(dirfd, CGROUP_FILE, lines, strlen(lines), 0600);

	return r < 0 ? error_errnum(err, r, "templates: write " CGROUP_FILE) : 0;
}

/* Of whoever was killed while it made a template. */
static void remove_noted_cgroup(const struct template_store *s, const char *name)
{
	_cleanup_free_ char *path = path_join(name, CGROUP_FILE), *lines = NULL;
	_cleanup_cgroup_ struct cgroup *cgroup = NULL;
	_cleanup_strv_ char **groups = NULL;
	struct error err;

	if (file_read_at(s->dirfd, path, CGROUP_FILE_MAX, &lines, NULL) < 0 || !*lines)
		return;
	groups = str_split(lines, '\n');
	if (cgroup_from_strings(groups, strv_length(groups), &cgroup, &err) < 0)
		log_warning("templates: %s: %s", path, err.msg);
	else
		remove_cgroup(cgroup);
}

static int call_worker(const struct wanted *t, const struct launch *l, const int *fds, uint32_t *ret_version, struct error *err)
{
	_cleanup_free_ char *share_dir = xasprintf("%s/%s.new/" SHARE_NAME, t->store.dir, t->name), *body = NULL;
	struct hv_worker_jail jail = { .files = (char **)settings_of(t)->vmm_files, .n_files = settings_of(t)->n_vmm_files,
				       .has_userns = true, .userns = t->env->rootless };
	struct hv_worker_disk disks[VMM_DISKS_MAX];
	struct hv_worker_vm vm;
	struct hv_worker_template m = { .id = (char *)t->name, .vm = &vm, .share_dir = share_dir, 
				       /* as a container's VM: whoever waits for it still has time to boot its own */
				       .boot_timeout = MAX(1U, settings_of(t)->boot_timeout / 2) };
	struct client_request req = { .type = MESSAGE_TEMPLATE, .fds = fds, .n_fds = 2,
				      .timeout_ms = (int)settings_of(t)->boot_timeout * 1000 + SAVE_GRACE_MS };
	_cleanup_buf_ struct buf reply = { 0 };
	_cleanup_doc_ struct oci_doc *doc = NULL;
	int r;

	for (unsigned i = 0; i < t->vm.n_disks; i++)
		disks[i] = (struct hv_worker_disk){ .format = (char *)vmm_disk_format_to_string(VMM_DISK_RAW) };
	spec_for_worker(&t->vm, t->vmm->name, t->binary, &vm);
	vm.jail = &jail;
	vm.disks = disks;
	vm.n_disks = t->vm.n_disks;
	r = json_write(&hv_worker_template_type, &m, &body, &req.len, err);
	req.body = body;
	if (r == 0)
		r = client_call(l->sock, &req, &reply, err);
	if (r == 0)
		r = json_parse(&hv_worker_template_done_type, reply.data ? reply.data : "", reply.len, &doc, err);
	if (r == 0)
		*ret_version = ((const struct hv_worker_template_done *)oci_doc_root(doc))->version;
	return r;
}

/* The worker has the lock, too: it is free when neither of us lives. */
static int run_worker(const struct wanted *t, int dirfd, uint32_t *ret_version, struct error *err)
{
	const int no_stdio[] = { -1, -1, -1 }, fds[] = { dirfd, t->store.lock_fd };
	struct launch_request req = { .binary = settings_of(t)->worker, .id = t->name, .role = "template", .stdio = no_stdio };
	_cleanup_cgroup_ struct cgroup *cgroup = NULL;
	struct launch l = LAUNCH_NONE;
	int r = make_cgroup(t, &cgroup, err);

	if (r < 0)
		return r;
	req.cgroup = cgroup;
	r = note_cgroup(dirfd, cgroup, err);
	if (r == 0)
		r = launch_start(&req, &l, err);
	if (r == 0)
		r = call_worker(t, &l, fds, ret_version, err);
	launch_abort(&l);
	remove_cgroup(cgroup);
	return r;
}

static void format_now(char *buf, size_t size)
{
	time_t now = time(NULL);
	struct tm tm;

	strftime(buf, size, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
}

static int commit(const struct wanted *t, uint32_t version, struct error *err)
{
	char created[32];
	struct hv_template meta = {
		.key = t->key, .created = created, .version = version, .vmm = (char *)t->vmm->name, .binary = (char *)t->binary,
		.architecture = (char *)t->vm.architecture, .machine = (char *)t->vm.machine,
		.kernel_args = (char **)t->vm.kernel_args, .n_kernel_args = strv_length(t->vm.kernel_args),
		.accel = (char *)vmm_accel_to_string(t->vm.accel), .memory = t->vm.memory, .vcpus = t->vm.vcpus, .kernel = (char *)t->vm.kernel,
		.initrd = (char *)t->vm.initrd, .has_nics = true, .nics = t->vm.n_nics, .has_disks = true, .disks = t->vm.n_disks,
		.has_spare_disks = true, .spare_disks = t->vm.n_spares[VMM_SPARE_WRITABLE], .has_spare_readonly_disks = true,
		.spare_readonly_disks = t->vm.n_spares[VMM_SPARE_READONLY], .has_storage = true, .storage = t->vm.storage,
	};

	format_now(created, sizeof(created));
	return template_store_commit(&t->store, t->name, &meta, err);
}

static int remove_useless(void *data, const struct template_entry *e, struct error *err)
{
	const struct template_store *s = data;

	if (e->status == TEMPLATE_READY)
		return 0;
	remove_noted_cgroup(s, e->name);
	return template_store_remove(s, e->name, err);
}

/* Locked. Templates that nobody can use any more make room first. */
static int build(struct wanted *t, struct error *err)
{
	_cleanup_fd_ int dirfd = -1;
	uint32_t version = 0;
	int r = template_store_each(&t->store, remove_useless, &t->store, err);

	if (r == 0)
		r = dirfd = template_store_begin(&t->store, t->name, err);
	if (r >= 0 && mkdirat(dirfd, SHARE_NAME, 0700) < 0)
		r = error_errno(err, "templates: mkdir %s", SHARE_NAME);
	if (r >= 0)
		r = run_worker(t, dirfd, &version, err);
	if (r >= 0 && (unlinkat(dirfd, SHARE_NAME, AT_REMOVEDIR) < 0 || unlinkat(dirfd, CGROUP_FILE, 0) < 0))
		r = error_errno(err, "templates: unlink");
	if (r >= 0)
		r = commit(t, version, err);
	if (r < 0) {
		if (template_store_is_full(&t->store))
			error_wrap(err, "no room is left in %s", t->store.dir);
		template_store_abandon(&t->store, t->name);
		return error_wrap(err, "make a template");
	}
	log_info("template %s/%s: made", t->store.dir, t->name);
	return 0;
}

static int lock_timeout(const struct settings_hyperv *s)
{
	return (int)s->boot_timeout * 1000 + SAVE_GRACE_MS;
}

/* Somebody else may have made it while we waited for the lock. */
static int find_or_build(struct wanted *t, struct template *ret, struct error *err)
{
	struct error damage;
	int r = template_store_lock(&t->store, lock_timeout(settings_of(t)), err);

	if (r < 0)
		return r;
	r = template_store_find(&t->store, t->name, t->key, ret, &damage);
	if (r == 0)
		return 0;
	if (r < 0)
		log_warning("%s: it is made anew", damage.msg);
	r = build(t, err);
	if (r == 0)
		r = template_store_find(&t->store, t->name, t->key, ret, err);
	return r == TEMPLATE_E_NOT_FOUND ? error_set(err, ENOENT, "template %s has vanished", t->name) : r;
}

/* What a bundle can ask for must not fill the store with templates of all sizes. */
static bool is_for(const struct env *env, const struct oci_config *config, const struct vm_spec *vm)
{
	const struct settings_hyperv *s = &env->settings->hyperv;
	struct sysinfo info;

	return s->use_template && !config->vm && vm->n_nics <= NICS_MAX && vm->n_disks <= DISKS_MAX && vm->vcpus <= (unsigned)sysconf(_SC_NPROCESSORS_ONLN) &&
	       (vm->memory <= s->memory ||
		(sysinfo(&info) == 0 && template_memory(vm->memory, s->memory) <= (uint64_t)info.totalram * info.mem_unit));
}

int template_get(const struct env *env, const struct oci_config *config, const struct vm_spec *vm, const char *binary,
		 struct template *ret, struct error *err)
{
	_cleanup_wanted_ struct wanted t = { .store = TEMPLATE_STORE_NONE };
	struct error ignored;
	int r;

	if (!is_for(env, config, vm))
		return TEMPLATE_E_NOT_FOR_IT;
	r = wanted_init(&t, env, vm, binary, err);
	if (r < 0)
		return r;
	if (template_store_find(&t.store, t.name, t.key, ret, &ignored) == 0)
		return 0;
	return find_or_build(&t, ret, err);
}

/* the verb ---------------------------------------------------------------------------------------------------------------------------- */

/* A user without privileges makes it with those of a user namespace, as a container's machine (hyperv/create.c). */
static int enter_userns(struct error *err)
{
	_cleanup_machine_userns_ struct machine_userns own = { 0 };
	int r = geteuid() == 0 ? 0 : machine_userns_derive(NULL, &own, err);

	return r < 0 || geteuid() == 0 ? r : machine_userns_enter(&own, err);
}

int hyperv_template_build(const struct env *env, struct error *err)
{
	_cleanup_wanted_ struct wanted t = { .store = TEMPLATE_STORE_NONE };
	const struct oci_config nothing = { 0 };
	struct template found = TEMPLATE_NONE;
	struct vm_spec vm;
	const struct vmm_ops *vmm = vmm_find(env->settings->hyperv.vmm, err);
	const char *binary;
	int r;

	if (!vmm)
		return -err->code;
	r = spec_make_vm(&nothing, &env->settings->hyperv, &CHOICE_USUAL(&env->settings->hyperv), &vm, err);
	if (r == 0)
		r = vmm_probe(vmm, &vm, err);
	if (r < 0)
		return r;
	binary = vmm_binary(vmm, &vm, err);
	r = binary ? enter_userns(err) : -err->code;
	if (r == 0)
		r = wanted_init(&t, env, &vm, binary, err);
	if (r == 0)
		r = find_or_build(&t, &found, err);
	template_done(&found);
	return r;
}

struct listing {
	hyperv_template_fn *fn;
	void *data;
};

static int show(void *data, const struct template_entry *e, struct error *err)
{
	const struct listing *l = data;
	struct hv_template_info info = { .name = (char *)e->name, .status = (char *)template_status_to_string(e->status),
					 .size = e->size };

	if (e->meta) {
		info.accel = e->meta->accel;
		info.created = e->meta->created;
		info.kernel = e->meta->kernel;
		info.has_vcpus = info.has_memory = true;
		info.vcpus = e->meta->vcpus;
		info.memory = e->meta->memory;
	}
	return l->fn(l->data, &info, err);
}

int hyperv_template_each(const struct env *env, hyperv_template_fn *fn, void *data, struct error *err)
{
	struct template_store store = TEMPLATE_STORE_NONE;
	struct listing l = { fn, data };
	int r = template_store_open(&env->settings->hyperv, false, &store, err);

	if (r == 0)
		r = template_store_each(&store, show, &l, err);
	template_store_done(&store);
	return r < 0 ? r : 0;
}

struct pruning {
	const struct template_store *store;
	bool all;
	unsigned n;
};

static int prune(void *data, const struct template_entry *e, struct error *err)
{
	struct pruning *p = data;
	int r;

	if (!p->all && e->status == TEMPLATE_READY)
		return 0;
	remove_noted_cgroup(p->store, e->name);
	r = template_store_remove(p->store, e->name, err);
	p->n += r == 0;
	return r;
}

int hyperv_template_prune(const struct env *env, bool all, unsigned *ret_n, struct error *err)
{
	struct template_store store = TEMPLATE_STORE_NONE;
	struct pruning p = { &store, all, 0 };
	int r = template_store_open(&env->settings->hyperv, false, &store, err);

	if (r == 0)
		r = template_store_lock(&store, lock_timeout(&env->settings->hyperv), err);
	if (r == 0)
		r = template_store_each(&store, prune, &p, err);
	template_store_done(&store);
	*ret_n = p.n;
	return r < 0 ? r : 0;
}
