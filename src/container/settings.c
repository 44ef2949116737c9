/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The configuration file: the operator's word, which no bundle can change. It is read by the generated tables
 * of src/schema/settings.json; here are the values that need more than a type, and the defaults.
 */
#include "container/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <ocispec/doc.h>
#include <stdio.h>
#include <unistd.h>

#include "base/architecture.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "container/document.h"
#include "container/install.h"
#include "container/runtime_type.h"
#include "linux/cgroup/cgroup.h"
#include "schema/types.h"

enum { SETTINGS_MAX = 1 << 20, FOREIGN_GUESTS_MAX = 2 };

#define DEFAULT_MEMORY (2ULL << 30)
enum { DEFAULT_VCPUS = 1, DEFAULT_BOOT_TIMEOUT = 60, DEFAULT_SPARE_DISKS = 4, DEFAULT_SPARE_READONLY_DISKS = 2 };

struct settings *settings_free(struct settings *s)
{
	if (!s)
		return NULL;
	oci_doc_free(s->doc);
	strv_free(s->found);
	free(s->guests);
	free(s->path);
	free(s);
	return NULL;
}

static int set_accel(const char **accel, const char *field, const char *value, struct error *err)
{
	if (!str_eq(value, "kvm") && !str_eq(value, "tcg"))
		return error_set(err, EINVAL, "%s: \"%s\" is not a valid value (kvm, tcg)", field, value);
	*accel = value;
	return 0;
}

static int fill_hyperv(struct settings_hyperv *h, const struct hv_settings_hyperv *f, struct error *err)
{
	if (f->accel && set_accel(&h->accel, "hyperv.accel", f->accel, err) < 0)
		return -EINVAL;
	if (f->memory && (num_parse_size(f->memory, &h->memory) < 0 || h->memory == 0))
		return error_set(err, EINVAL, "hyperv.memory: \"%s\" is not a size (\"512M\", \"2G\")",
				 f->memory);
	if (f->vmm)
		h->vmm = f->vmm;
	if (f->share_type && !str_eq(f->share_type, "9p") && !str_eq(f->share_type, "virtiofs"))
		return error_set(err, EINVAL, "hyperv.share_type: \"%s\" is not a valid value (9p, virtiofs)", f->share_type);
	if (f->share_type)
		h->share_type = f->share_type;
	h->virtiofsd_path = f->virtiofsd_path;
	if (f->has_virtiofs_timeout)
		h->virtiofs_timeout = f->virtiofs_timeout;
	if (f->has_vcpus)
		h->vcpus = f->vcpus;
	h->join_network = f->has_join_network && f->join_network;
	h->spare_links = f->has_spare_links ? f->spare_links : 0;
	if (f->has_spare_disks)
		h->spare_disks = f->spare_disks;
	if (f->has_spare_readonly_disks)
		h->spare_readonly_disks = f->spare_readonly_disks;
	if (f->has_boot_timeout)
		h->boot_timeout = f->boot_timeout;
	if (f->has_template)
		h->use_template = f->template;
	h->apparmor_dir = f->apparmor_dir;
	h->template_dir = f->template_dir;
	h->allowed_hypervisors = f->allowed_hypervisors;
	h->allowed_kernels = f->allowed_kernels;
	h->allowed_initrds = f->allowed_initrds;
	h->allowed_images = f->allowed_images;
	h->allow_hypervisor_parameters = f->allow_hypervisor_parameters;
	h->allow_kernel_parameters = f->allow_kernel_parameters;
	h->debug_shells = f->n_debug_shell ? f->debug_shell : NULL;
	h->vmm_path = f->vmm_path;
	h->vmm_files = f->vmm_files;
	h->n_vmm_files = f->n_vmm_files;
	h->worker = f->worker;
	h->kernel = f->kernel;
	h->initrd = f->initrd;
	return 0;
}

static const struct settings_guest *find_guest(const struct settings_guest *guests, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(guests[i].name, name))
			return &guests[i];
	return NULL;
}

static bool is_foreign(const struct settings_guest *g)
{
	return !str_eq(g->architecture, HOST_ARCHITECTURE);
}

/* Row i of guests, from row i - 1 of the file. */
static int fill_guest(struct settings *s, size_t i, const struct hv_settings_guest *f, struct error *err)
{
	struct settings_guest *g = &s->guests[i];
	char field[48];

	snprintf(field, sizeof(field), "hyperv.guests[%zu].accel", i - 1);
	if (find_guest(s->guests, i, f->name))
		return error_set(err, EEXIST, "hyperv.guests[%zu].name: \"%s\" is used already%s", i - 1, f->name,
				 str_eq(f->name, SETTINGS_USUAL_GUEST) ? " (by hyperv.kernel)" : "");
	*g = (struct settings_guest){
		.name = f->name,
		.architecture = f->architecture ? f->architecture : HOST_ARCHITECTURE,
		.kernel = f->kernel,
		.initrd = f->initrd,
		.parameters = f->parameters,
		.release = f->release,
		.features = f->features,
		.machine = f->machine,
		.accel = s->hyperv.accel,
		.vmm_path = f->vmm_path,
	};
	if (is_foreign(g))
		g->accel = "tcg";
	if (f->accel && is_foreign(g) && str_eq(f->accel, "kvm"))
		return error_set(err, EINVAL, "%s: \"kvm\" runs only this host's own architecture (%s), not %s: tcg does", field,
				 HOST_ARCHITECTURE, g->architecture);
	return f->accel ? set_accel(&g->accel, field, f->accel, err) : 0;
}

/* Keeps path as long as the settings. */
static const char *keep(struct settings *s, char *path)
{
	_cleanup_free_ char *owned = path;

	strv_append(&s->found, owned);
	return s->found[strv_length(s->found) - 1];
}

/* The guests that the file need not name: those that are there. A name that it gives to something else stays its own. */
static void find_foreign_guests(struct settings *s)
{
	static const char *const architectures[] = { "amd64", "arm64" };

	_Static_assert(ARRAY_SIZE(architectures) <= FOREIGN_GUESTS_MAX, "a place for each");
	for (size_t i = 0; i < ARRAY_SIZE(architectures); i++) {
		const char *name = architectures[i];
		_cleanup_free_ char *kernel = str_eq(name, HOST_ARCHITECTURE) ? NULL : install_foreign_guest(name, INSTALL_KERNEL);

		if (!kernel || find_guest(s->guests, s->hyperv.n_guests, name) || access(kernel, F_OK) < 0)
			continue;
		s->guests[s->hyperv.n_guests++] = (struct settings_guest){
			.name = name,
			.architecture = name,
			.kernel = keep(s, TAKE_PTR(kernel)),
			.initrd = keep(s, install_foreign_guest(name, INSTALL_INITRD)),
			.accel = "tcg",
		};
	}
}

/* When the paths are known. */
static int fill_guests(struct settings *s, const struct hv_settings_hyperv *f, struct error *err)
{
	size_t n = f ? f->n_guests : 0;
	int r = 0;

	s->guests = xcalloc(n + 1 + FOREIGN_GUESTS_MAX, sizeof(*s->guests));
	s->guests[0] = (struct settings_guest){
		.name = SETTINGS_USUAL_GUEST,
		.architecture = HOST_ARCHITECTURE,
		.kernel = s->hyperv.kernel,
		.initrd = s->hyperv.initrd,
		.machine = f ? f->machine : NULL,
		.accel = s->hyperv.accel,
		.vmm_path = s->hyperv.vmm_path,
	};
	for (size_t i = 1; r == 0 && i <= n; i++)
		r = fill_guest(s, i, &f->guests[i - 1], err);
	s->hyperv.guests = s->guests;
	s->hyperv.n_guests = n + 1;
	if (r == 0)
		find_foreign_guests(s);
	return r;
}

void settings_set_accel(struct settings *s, const char *accel)
{
	s->hyperv.accel = accel;
	for (size_t i = 0; i < s->hyperv.n_guests; i++)
		if (!is_foreign(&s->guests[i]))
			s->guests[i].accel = accel;
}

static int fill_sandbox(struct settings *s, const struct hv_settings_sandbox *f, struct error *err)
{
	if (f->dir)
		s->sandbox_dir = f->dir;
	if (f->size && (num_parse_size(f->size, &s->sandbox_size) < 0 || s->sandbox_size == 0))
		return error_set(err, EINVAL, "sandbox.size: \"%s\" is not a size (\"512M\", \"2G\")", f->size);
	return 0;
}

static int fill(struct settings *s, const struct hv_settings *f, struct error *err)
{
	int r;

	if (f->runtime_type) {
		r = runtime_type_from_string(f->runtime_type, "runtime_type", err);
		if (r < 0)
			return r;
		s->runtime_type = r;
	}
	if (f->cgroup_manager) {
		r = cgroup_manager_from_string(f->cgroup_manager, err);
		if (r < 0)
			return error_wrap(err, "cgroup_manager");
		s->cgroup_manager = r;
	}
	s->allow_annotation_default = f->allow_annotation_default;
	s->os_features = f->os_features;
	s->allowed_systemd_properties = f->allowed_systemd_properties;
	if (f->sandbox && fill_sandbox(s, f->sandbox, err) < 0)
		return -EINVAL;
	return f->hyperv ? fill_hyperv(&s->hyperv, f->hyperv, err) : 0;
}

static int read_file(struct settings *s, const char *path, bool must_exist, struct error *err)
{
	struct oci_parse_options options = { .comments = true };
	_cleanup_free_ char *json = NULL;
	struct oci_error oe;
	size_t len;
	int r = file_read_at(AT_FDCWD, path, SETTINGS_MAX, &json, &len);

	if (r == -ENOENT && !must_exist)
		return 0;
	if (r < 0)
		return error_errnum(err, r, "read");
	if (oci_parse(&hv_settings_type, json, len, &options, &s->doc, &oe) < 0)
		return document_error(err, &oe);
	s->path = xstrdup(path);
	return fill(s, oci_doc_root(s->doc), err);
}

/* Paths that the file does not give. */
static void find_files(struct settings *s)
{
	struct settings_hyperv *h = &s->hyperv;
	const struct {
		const char **path;
		enum install_file file;
	} rows[] = { { &h->worker, INSTALL_WORKER },
		     { &h->kernel, INSTALL_KERNEL },
		     { &h->initrd, INSTALL_INITRD } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!*rows[i].path)
			*rows[i].path = keep(s, install_path(rows[i].file));
}

int settings_load(const char *path, struct settings **ret, struct error *err)
{
	_cleanup_settings_ struct settings *s = xcalloc(1, sizeof(*s));
	int r;

	s->runtime_type = -1;
	s->cgroup_manager = CGROUP_MANAGER_CGROUPFS;
	s->hyperv = (struct settings_hyperv){
		.accel = "kvm",
		.vmm = "qemu",
		.share_type = "9p",
		.memory = DEFAULT_MEMORY,
		.vcpus = DEFAULT_VCPUS,
		.spare_disks = DEFAULT_SPARE_DISKS,
		.spare_readonly_disks = DEFAULT_SPARE_READONLY_DISKS,
		.boot_timeout = DEFAULT_BOOT_TIMEOUT,
		.use_template = true,
	};
	r = read_file(s, path ? path : SETTINGS_DEFAULT_PATH, path, err);
	if (r == 0) {
		find_files(s);
		r = fill_guests(s, s->doc ? ((const struct hv_settings *)oci_doc_root(s->doc))->hyperv : NULL, err);
	}
	if (r < 0)
		return error_wrap(err, "configuration file %s", path ? path : SETTINGS_DEFAULT_PATH);
	*ret = TAKE_PTR(s);
	return 0;
}
