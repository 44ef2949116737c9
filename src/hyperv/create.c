/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * create: everything is decided first (guest_config, spec), then opened with the caller's rights (shares, network namespace), then the worker
 * is started in a cgroup that has its limits already, and boots the guest while the hooks run. The worker's answer to CREATE is the container's
 * "created". Whatever fails kills the worker, which takes the VMM along, and removes the cgroup; the state directory is the
 * caller's.
 */
#include "hyperv/create.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ocispec/types.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/str.h"
#include "container/annotation.h"
#include "container/bundle.h"
#include "container/container.h"
#include "container/env.h"
#include "container/hook_output.h"
#include "container/hooks.h"
#include "container/settings.h"
#include "container/unit_properties.h"
#include "hyperv/apparmor.h"
#include "hyperv/choice.h"
#include "hyperv/disk.h"
#include "hyperv/guest_config.h"
#include "hyperv/jail.h"
#include "hyperv/launch.h"
#include "hyperv/member.h"
#include "hyperv/network.h"
#include "hyperv/share.h"
#include "hyperv/shm.h"
#include "hyperv/spec.h"
#include "hyperv/template.h"
#include "hyperv/userns.h"
#include "hyperv/view.h"
#include "linux/cgroup/cgroup.h"
#include "linux/cgroup/unit_property.h"
#include "linux/rlimit.h"
#include "proto/client.h"
#include "proto/message.h"
#include "schema/json.h"
#include "schema/types.h"

enum {
	FDS_MAX = 240,		  /* of one SETUP: the worker takes no more */
	OTHER_FDS = 7 + VMM_DISKS_MAX, /* of them are not shares */
	CGROUP_TIMEOUT_MS = 5000, /* for its processes to be gone */
	CREATE_GRACE_MS = 60000,  /* beside the boot: for the guest to make the container, startContainer hooks not included */
};

/* All that create makes, to be undone in one place. */
struct creation {
	const struct create_request *req;
	struct guest_config *guest;
	struct shm shm;
	char *apparmor; /* the policy of the container's profile, for the guest; or NULL */
	struct choice choice;
	struct vm_spec vm;
	struct machine_userns userns;
	bool own_userns; /* it has been entered */
	struct jail jail;
	const char *binary;
	struct template template; /* the VM is a copy of this, if it is one */
	struct hv_worker_share *shares;
	int layer_dirfd;
	struct hv_worker_disk disks[VMM_DISKS_MAX];
	struct hv_agent_disk agent_disks[VMM_DISKS_MAX];
	int fds[FDS_MAX]; /* in the order of worker.json, "WorkerSetup" */
	size_t n_fds;
	int network_fd; /* until it is among fds */
	bool join_network;
	struct cgroup *cgroup;
	struct launch launch;
};

static const struct settings_hyperv *settings_of(const struct creation *k)
{
	return &k->req->env->settings->hyperv;
}

/* decisions -------------------------------------------------------------------------------------------------------------- */

/* Who may mount may mount an overlay, though nothing here is one: containers in containers. Drivers are loaded before there is a container, or not at all. */
static bool may_mount(const struct oci_process *p)
{
	const struct oci_capabilities *c = p ? p->capabilities : NULL;

	for (size_t i = 0; c && i < c->n_bounding; i++)
		if (str_eq(c->bounding[i], "CAP_SYS_ADMIN"))
			return true;
	return false;
}

/* What overlays and disks need is there for the container itself, or for members that nobody knows of yet. */
static bool needs_storage(const struct creation *k)
{
	const struct oci_config *c = k->req->bundle->config;

	return k->vm.n_disks > 0 || k->guest->layer.kind != LAYER_NONE || may_mount(c->process) || annotation_is_sandbox(c->annotations);
}

/* The container's, and behind them the one that is the VM's own root. */
static int decide_disks(struct creation *k, struct error *err)
{
	k->vm.n_disks = k->vm.root = (unsigned)k->guest->n_disks;
	k->vm.has_root = k->choice.image != NULL;
	k->vm.n_disks += k->vm.has_root;
	k->vm.storage = needs_storage(k);
	if (k->vm.n_disks > VMM_DISKS_MAX)
		return error_set(err, E2BIG, "vm.image.path: %u disks, at most %d are possible", k->vm.n_disks, VMM_DISKS_MAX);
	return 0;
}

/* Before anything else, for what is opened from here on must belong to it. */
static int enter_userns(struct creation *k, struct error *err)
{
	int r;

	if (geteuid() == 0)
		return 0;
	r = machine_userns_derive(k->req->bundle->config, &k->userns, err);
	if (r == 0)
		r = machine_userns_enter(&k->userns, err);
	k->own_userns = r == 0;
	return r;
}

static int decide(struct creation *k, struct error *err)
{
	const struct create_request *req = k->req;
	_cleanup_free_ bool *devices = disk_find_devices(req->bundle);
	_cleanup_free_ enum host_device *host_devices = host_devices_look(req->bundle);
	struct oci_rlimit rlimits[RLIM_NLIMITS];
	struct guest_facts facts = { .id = req->container->id, .settings = req->env->settings, .userns = k->own_userns ? &k->userns : NULL,
					   .shm = shm_find(req->bundle, &k->shm) ? &k->shm : NULL, .devices = devices, .host_devices = host_devices, .rlimits = rlimits, .n_rlimits = ARRAY_SIZE(rlimits) };
	const struct vmm_ops *vmm;
	int r;

	if (req->io.preserve_fds > 0)
		return error_set(err, EINVAL, "--preserve-fds %u: descriptors cannot be passed into a virtual machine", req->io.preserve_fds);
	r = rlimits_inherited(rlimits, err);
	if (r == 0 && req->bundle->config->process)
		r = apparmor_for_guest(settings_of(k), req->bundle->config->process->apparmor_profile, &k->apparmor, err);
	facts.apparmor = k->apparmor;
	if (r == 0)
		r = guest_config_derive(req->bundle, &facts, &k->guest, err);
	if (r == 0)
		r = choice_make(req->bundle, req->env->settings, &k->choice, err);
	if (r == 0)
		r = spec_make_vm(req->bundle->config, settings_of(k), &k->choice, &k->vm, err);
	if (r == 0)
		r = jail_derive(req->bundle->config, settings_of(k), &k->jail, err);
	if (r < 0)
		return r;
	if (k->guest->n_shares > FDS_MAX - OTHER_FDS)
		return error_set(err, E2BIG, "mounts: %zu bind mounts, at most %d can be shared with a virtual machine",
				 k->guest->n_shares - 1, FDS_MAX - OTHER_FDS - 1);
	r = decide_disks(k, err);
	if (r < 0)
		return r;
	host_devices_log(req->bundle, host_devices);
	vmm = vmm_find(settings_of(k)->vmm, err);
	if (!vmm)
		return -err->code;
	k->binary = vmm_binary(vmm, &k->vm, err);
	if (!k->binary)
		return -err->code;
	if (k->vm.virtiofs)
		k->vm.virtiofsd = vmm_virtiofsd(&k->vm, err);
	return k->vm.virtiofs && !k->vm.virtiofsd ? -err->code : 0;
}

/* In a new network namespace there is no link yet. One that a hook brings finds no card where the user may make no tap for it. */
static int decide_network(struct creation *k, struct error *err)
{
	if (k->req->env->rootless && !k->join_network && access("/dev/net/tun", R_OK | W_OK) < 0)
		return 0;
	return network_count_cards(k->network_fd, k->req->bundle->config, settings_of(k)->spare_links, &k->vm.n_nics, err);
}

static int check_places(struct creation *k, struct error *err)
{
	const struct vmm_ops *vmm = vmm_find(settings_of(k)->vmm, err);

	return vmm ? vmm_check_places(vmm, &k->vm, err) : -err->code;
}

/* A pod's members come when its machine runs, and may have disks then: as many as are asked for, as far as there is room in the machine. */
static int decide_spares(struct creation *k, struct error *err)
{
	const uint32_t want[_VMM_SPARE_MAX] = { settings_of(k)->spare_disks, settings_of(k)->spare_readonly_disks };
	const struct vmm_ops *vmm = vmm_find(settings_of(k)->vmm, err);

	if (!vmm)
		return -err->code;
	if (!annotation_is_sandbox(k->req->bundle->config->annotations) || k->own_userns)
		return 0;
	for (bool more = true; more;) { /* where there is room for few, for both kinds */
		more = false;
		for (int i = 0; i < _VMM_SPARE_MAX; i++)
			if (k->vm.n_spares[i] < want[i] && vmm_room(vmm, &k->vm) > 0) {
				k->vm.n_spares[i]++;
				more = true;
			}
	}
	return 0;
}

/*
 * Without a template, or with one that cannot be had, the VM boots. For virtiofs there is none: a copy's RAM is its own, which virtiofsd could not see, and the
 * device's state is virtiofsd's, which cannot be saved.
 */
static int choose_template(struct creation *k, _unused_ struct error *err)
{
	struct error e;

	if (k->vm.virtiofs)
		return 0;
	if (template_get(k->req->env, k->req->bundle->config, &k->vm, k->binary, &k->template, &e) < 0)
		log_warning("container \"%s\": its virtual machine is booted: %s", k->req->container->id, e.msg);
	return 0;
}

/* descriptors -------------------------------------------------------------------------------------------------------------- */

static int add_fd(struct creation *k, int fd)
{
	if (fd >= 0)
		k->fds[k->n_fds++] = fd;
	return fd;
}

/* The entries in the state directory that the worker uses; "start.sock" tells created from running (container_status_of()). */
static int open_state(struct creation *k, struct error *err)
{
	int dirfd = k->req->container->dirfd, r;

	if (mkdirat(dirfd, HYPERV_SHARE_DIR, 0700) < 0)
		return error_errno(err, "make the directory for shares");
	r = file_replace_at(dirfd, CONTAINER_START_SOCKET, "", 0, 0600);
	if (r < 0)
		return error_errnum(err, r, "make %s", CONTAINER_START_SOCKET);
	if (add_fd(k, fcntl(dirfd, F_DUPFD_CLOEXEC, 3)) < 0)
		return error_errno(err, "fcntl");
	r = add_fd(k, fd_listen_at(dirfd, HYPERV_CONTROL_SOCKET, SOCK_STREAM));
	return r < 0 ? error_errnum(err, r, "make %s", HYPERV_CONTROL_SOCKET) : 0;
}

static void add_template(struct creation *k)
{
	add_fd(k, TAKE_FD(k->template.dirfd));
	add_fd(k, TAKE_FD(k->template.memory_fd));
	add_fd(k, TAKE_FD(k->template.state_fd));
}

/* A path may well lead to the namespace that we are in. */
static bool is_own_network(int fd)
{
	struct stat theirs, ours;

	return fstat(fd, &theirs) == 0 && stat("/proc/self/ns/net", &ours) == 0 && theirs.st_ino == ours.st_ino &&
	       theirs.st_dev == ours.st_dev;
}

static int open_network(struct creation *k, struct error *err)
{
	const char *path = k->guest->network_path;

	if (!path)
		return 0;
	k->network_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (k->network_fd < 0)
		return error_errno(err, "linux.namespaces: network: %s", path);
	if (is_own_network(k->network_fd))
		return error_set(err, EINVAL, "linux.namespaces: network: %s is the host's: a virtual machine cannot share it", path);
	k->join_network = true;
	return 0;
}

static int open_shares(struct creation *k, struct error *err)
{
	return share_open_all(k->guest, &k->shares, k->fds, &k->n_fds, err);
}

/* The layer is made here, and removed by undo(). */
static int open_layer(struct creation *k, struct error *err)
{
	const struct create_request *req = k->req;

	if (k->guest->layer.kind != LAYER_OVERLAY)
		return 0;
	k->layer_dirfd = layer_open(req->env, req->container, &k->guest->layer, LAYER_GUEST_DISK, err);
	return MIN(k->layer_dirfd, 0);
}

static int open_root(struct creation *k, struct error *err)
{
	const struct oci_vm_image *image = k->req->bundle->config->vm->image;
	const struct disk d = {
		.source = k->choice.image, .field = (char *)"vm.image.path", .readonly = true,
		.format = image->has_format && image->format == OCI_VM_IMAGE_FORMAT_QCOW2 ? VMM_DISK_QCOW2 : VMM_DISK_RAW,
	};
	dev_t device = 0;
	int r = add_fd(k, disk_open(&d, -1, &device, err));

	k->disks[k->vm.root] = (struct hv_worker_disk){
		.format = (char *)vmm_disk_format_to_string(d.format), .readonly = true, .device = device != 0,
	};
	return MIN(r, 0);
}

static int open_disks(struct creation *k, struct error *err)
{
	const struct disk_messages messages = { k->disks, k->agent_disks };
	int r = open_layer(k, err);

	if (r == 0)
		r = disk_open_all(k->guest, k->layer_dirfd, &messages, k->fds, &k->n_fds, err);
	return r == 0 && k->vm.has_root ? open_root(k, err) : r;
}

static int open_all(struct creation *k, struct error *err)
{
	bool terminal = k->req->bundle->config->process && k->req->bundle->config->process->terminal;
	int r = open_state(k, err);

	add_template(k);
	add_fd(k, TAKE_FD(k->network_fd));
	if (r == 0 && terminal && add_fd(k, fcntl(k->req->io.console_socket, F_DUPFD_CLOEXEC, 3)) < 0)
		r = error_set(err, EINVAL, "process.terminal: there is no console socket to send the terminal to");
	if (r == 0)
		r = open_shares(k, err);
	return r < 0 ? r : open_disks(k, err);
}

/* the worker ------------------------------------------------------------------------------------------------------------------ */

static int start_worker(struct creation *k, struct error *err)
{
	const struct create_request *req = k->req;
	struct container *c = req->container;
	struct launch_request launch = { .binary = settings_of(k)->worker, .id = c->id, .stdio = req->io.stdio };
	struct cgroup_request group = { .manager = req->env->cgroup_manager, .id = c->id, .rootless = req->env->rootless };
	_cleanup_free_ struct unit_property *properties = NULL;
	const struct oci_linux *l = req->bundle->config->linux_;
	struct host_limits limits;
	int r = unit_properties_new(req->bundle->config->annotations, req->env->settings, &properties, &group.n_properties, err);

	if (r < 0)
		return r;
	spec_make_host_limits(req->bundle->config, &k->vm, &limits);
	group.path = l ? l->cgroups_path : NULL;
	group.resources = &limits.resources;
	group.properties = properties;
	group.subgroup = annotation_get_group(req->bundle->config->annotations, ANNOTATION_SYSTEMD_SUBGROUP);
	r = cgroup_create(&group, &k->cgroup, err);
	if (r < 0)
		return r;
	launch.cgroup = k->cgroup;
	return launch_start(&launch, &k->launch, err);
}

int create_note_worker(struct container *c, pid_t pid, const struct cgroup *cgroup, struct error *err)
{
	struct hv_state *s = c->state;
	_cleanup_strv_ char **groups = cgroup_to_strings(cgroup);
	struct process_stat st;
	int r = process_get_stat(pid, &st);

	if (r < 0)
		return error_errnum(err, r, "the worker's start time");
	s->has_pid = s->has_start_time = true;
	s->pid = pid;
	s->start_time = st.start_time;
	for (char **g = groups; g && *g; g++)
		*(char **)oci_doc_append(c->state_doc, &s->cgroup, &s->n_cgroup, sizeof(char *)) = oci_doc_strdup(c->state_doc, *g);
	return container_save(c, err);
}

static int note_worker(struct creation *k, struct error *err)
{
	struct container *c = k->req->container;

	c->state->accel = oci_doc_strdup(c->state_doc, vmm_accel_to_string(k->vm.accel));
	c->state->share_type = oci_doc_strdup(c->state_doc, spec_share_type(&k->vm));
	c->state->has_vm_memory = c->state->has_vm_vcpus = true;
	c->state->vm_memory = k->vm.memory;
	c->state->vm_vcpus = k->vm.vcpus;
	c->state->guest_kernel = oci_doc_strdup(c->state_doc, k->req->bundle->config->vm ? k->vm.kernel : k->choice.guest->name);
	c->state->guest_architecture = oci_doc_strdup(c->state_doc, k->vm.architecture);
	return create_note_worker(c, k->launch.pid, k->cgroup, err);
}

static int call(struct creation *k, struct client_request *req, struct buf *reply, struct error *err)
{
	req->timeout_ms = (int)settings_of(k)->boot_timeout * 1000 + CREATE_GRACE_MS;
	return client_call(k->launch.sock, req, reply, err);
}

static int send_setup(struct creation *k, struct error *err)
{
	const struct create_request *req = k->req;
	const struct oci_process *p = req->bundle->config->process;
	bool terminal = p && p->terminal;
	_cleanup_free_ char *share_dir = xasprintf("%s/%s/" HYPERV_SHARE_DIR, req->env->root, req->container->id);
	struct hv_worker_vm vm;
	struct hv_worker_jail jail = {
		.files = (char **)k->jail.files, .n_files = k->jail.n_files, .label = k->jail.label, .has_file_capabilities = true,
		.file_capabilities = k->jail.file_capabilities, .has_userns = true, .userns = req->env->rootless,
	};
	struct hv_worker_clone clone = {
		.memory = k->template.memory, .version = k->template.version, .timeout = MAX(1U, settings_of(k)->boot_timeout / 4),
	};
	struct hv_agent_create create = {
		.id = req->container->id, .config = k->guest->json, .has_terminal = true, .terminal = terminal,
		.has_no_pivot = true, .no_pivot = req->no_pivot, .has_no_new_keyring = true, .no_new_keyring = req->no_new_keyring,
		.disks = k->agent_disks, .n_disks = k->guest->n_disks, .apparmor = k->apparmor,
	};
	struct hv_agent_shm shm;
	struct hv_worker_setup setup = {
		.id = req->container->id, .vm = &vm, .create = &create, .share_dir = share_dir, .shares = k->shares,
		.n_shares = k->guest->n_shares, .has_join_network = true, .join_network = k->join_network, .has_console = true,
		.console = terminal, .console_size = p ? p->console_size : NULL, .boot_timeout = settings_of(k)->boot_timeout,
		.console_log = (char *)settings_of(k)->console_log, .vmm_log = (char *)settings_of(k)->vmm_log,
	};
	struct client_request call_req = { .type = MESSAGE_SETUP, .fds = k->fds, .n_fds = k->n_fds };
	_cleanup_free_ char *body = NULL;
	int r;

	spec_for_worker(&k->vm, settings_of(k)->vmm, k->binary, &vm);
	if (k->guest->shm) {
		shm_for_agent(k->guest->shm, &shm);
		create.shm = &shm;
	}
	vm.jail = &jail;
	vm.disks = k->disks;
	vm.n_disks = k->vm.n_disks;
	if (k->template.memory)
		vm.template = &clone;
	r = json_write(&hv_worker_setup_type, &setup, &body, &call_req.len, err);
	if (r < 0)
		return r;
	call_req.body = body;
	return call(k, &call_req, NULL, err);
}

int create_run_hooks(const struct create_request *req, pid_t pid, struct error *err)
{
	const struct oci_hooks *h = req->bundle->config->hooks;
	_cleanup_hook_output_ struct hook_output output = HOOK_OUTPUT_NONE;
	struct hook_context context = { .output = &output };
	_cleanup_free_ char *state = NULL;
	int r;

	if (!h)
		return 0;
	r = hook_output_open(req->bundle->config, req->bundle->rootfs, &output, err);
	if (r < 0)
		return r;
	context.state = state = container_oci_state(req->container, CONTAINER_CREATING, pid);
	r = hooks_run("prestart", h->prestart, h->n_prestart, &context, err);
	if (r >= 0)
		r = hooks_run("createRuntime", h->create_runtime, h->n_create_runtime, &context, err);
	if (r >= 0)
		r = hooks_run("createContainer", h->create_container, h->n_create_container, &context, err);
	return r < 0 ? r : 0;
}

static int run_hooks(struct creation *k, struct error *err)
{
	return create_run_hooks(k->req, k->launch.pid, err);
}

/* What the machine cost is told by state; the caller saves it with the rest. */
static int note_startup(struct creation *k, const struct buf *reply, struct error *err)
{
	_cleanup_doc_ struct oci_doc *doc = NULL;
	struct container *c = k->req->container;
	struct hv_worker_startup *to = oci_doc_alloc(c->state_doc, sizeof(*to));
	int r = json_parse(&hv_worker_startup_type, reply->data ? reply->data : "", reply->len, &doc, err);

	if (r < 0)
		return error_wrap(err, "the worker's answer to CREATE");
	*to = *(const struct hv_worker_startup *)oci_doc_root(doc);
	to->start = oci_doc_strdup(c->state_doc, to->start);
	c->state->startup = to;
	return 0;
}

/* The container lives without that. */
void create_show_files(const struct guest_config *guest, pid_t vm, pid_t worker)
{
	const struct view_request req = { guest, vm, worker };
	struct error err;

	if (view_make(&req, &err) < 0)
		log_debug("the container's files cannot be seen from the host: %s", err.msg);
}

static int create(struct creation *k, struct error *err)
{
	static int (*const steps[])(struct creation *k, struct error *err) = {
		enter_userns, decide, open_network, decide_network, check_places, decide_spares, choose_template, open_all, start_worker, note_worker, send_setup, run_hooks,
	};
	struct client_request ready = { .type = MESSAGE_CREATE };
	_cleanup_buf_ struct buf reply = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		int r = steps[i](k, err);

		if (r < 0)
			return r;
	}
	if (call(k, &ready, &reply, err) < 0 || note_startup(k, &reply, err) < 0)
		return -err->code;
	layer_commit(k->req->container, &k->guest->layer);
	create_show_files(k->guest, k->launch.pid, k->launch.pid);
	return 0;
}

int create_remove_cgroup(struct cgroup *cgroup, struct error *err)
{
	const struct cgroup_hierarchy *h;

	if (!cgroup || cgroup_hierarchies(cgroup, &h) == 0)
		return 0;
	if (cgroup_signal(cgroup, SIGKILL, err) < 0)
		return -err->code;
	return cgroup_remove(cgroup, CGROUP_TIMEOUT_MS, err);
}

static void undo(struct creation *k)
{
	int dirfd = k->req->container->dirfd;
	struct error err;

	launch_abort(&k->launch);
	if (create_remove_cgroup(k->cgroup, &err) < 0)
		log_warning("container \"%s\": %s", k->req->container->id, err.msg);
	if (layer_release(k->req->env, k->req->container, &err) < 0)
		log_warning("container \"%s\": %s", k->req->container->id, err.msg);
	unlinkat(dirfd, HYPERV_CONTROL_SOCKET, 0);
	unlinkat(dirfd, CONTAINER_START_SOCKET, 0);
	unlinkat(dirfd, HYPERV_SHARE_DIR, AT_REMOVEDIR);
}

static int create_vm(const struct create_request *req, struct error *err)
{
	struct creation k = { .req = req, .network_fd = -1, .layer_dirfd = -1, .launch = LAUNCH_NONE, .template = TEMPLATE_NONE };
	int r = create(&k, err);

	if (r < 0)
		undo(&k);
	launch_done(&k.launch);
	for (size_t i = 0; i < k.n_fds; i++)
		fd_close(k.fds[i]);
	template_done(&k.template);
	free(k.shares);
	free(k.apparmor);
	fd_close(k.network_fd);
	fd_close(k.layer_dirfd);
	cgroup_free(k.cgroup);
	choice_done(&k.choice);
	guest_config_free(k.guest);
	jail_done(&k.jail);
	machine_userns_done(&k.userns);
	return r;
}

int hyperv_create(const struct create_request *req, struct error *err)
{
	return req->bundle->sandbox ? member_create(req, err) : create_vm(req, err);
}
