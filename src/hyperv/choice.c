/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * On which kernel a bundle's virtual machine runs. Bundles choose from what the configuration file allows and by name: a path of the
 * host's that comes with a bundle is as hostile as the rest of it.
 */
#include "hyperv/choice.h"

#include <errno.h>
#include <ocispec/types.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "container/annotation.h"
#include "container/bundle.h"
#include "container/compat.h"
#include "container/host_file.h"
#include "container/settings.h"
#include "hyperv/vmm/vmm.h"

static int refuse_name(const struct settings_hyperv *s, const char *key, const char *name, struct error *err)
{
	_cleanup_buf_ struct buf names = { 0 };

	for (size_t i = 0; i < s->n_guests; i++)
		buf_printf(&names, "%s%s", i ? ", " : "", s->guests[i].name);
	return error_set(err, EINVAL, "annotation %s: \"%s\" is not a guest of this host's (%s)", key, name, names.data);
}

static int by_name(const struct settings_hyperv *s, const char *name, const struct settings_guest **ret, struct error *err)
{
	for (size_t i = 0; i < s->n_guests; i++)
		if (str_eq(s->guests[i].name, name)) {
			*ret = &s->guests[i];
			return 0;
		}
	return refuse_name(s, annotation_def(ANNOTATION_GUEST_KERNEL)->key, name, err);
}

/* The named guest, or the first that can run the image. */
static int by_image(const struct bundle *b, const struct settings *s, const struct settings_guest **ret, struct error *err)
{
	_cleanup_compat_ struct compat compat = { 0 };
	int guest;

	compat_gather(b, s, &compat);
	guest = compat_guest(&compat);
	if (guest < 0)
		return compat_refuse(&compat, RUNTIME_TYPE_HYPERV, err);
	*ret = &s->hyperv.guests[guest];
	return 0;
}

/* All kernels and initial file systems of the settings, for free(): whoever names one of them by its path names nothing new. */
static const char **known_files(const struct settings_hyperv *s, bool kernels)
{
	const char **v = xcalloc(s->n_guests + 1, sizeof(*v));

	for (size_t i = 0; i < s->n_guests; i++)
		v[i] = kernels ? s->guests[i].kernel : s->guests[i].initrd;
	return v;
}

static int check_hypervisor(const struct oci_vm *vm, const struct settings_hyperv *s, struct choice *c, struct error *err)
{
	const struct vm_spec spec = { .architecture = c->guest->architecture, .machine = c->guest->machine };
	const char *known[8] = { c->guest->vmm_path };
	const struct host_file f = { "vm.hypervisor.path", vm->hypervisor->path, "hyperv.allowed_hypervisors", s->allowed_hypervisors, known };
	const struct vmm_ops *vmm = vmm_find(s->vmm, err);
	const struct vmm_machine *m = vmm ? vmm_machine_find(vmm, &spec, err) : NULL;
	size_t n = known[0] ? 1 : 0;

	if (!m)
		return -err->code;
	for (size_t i = 0; m->binaries[i] && n < ARRAY_SIZE(known) - 1; i++)
		known[n++] = m->binaries[i];
	if (vm->hypervisor->n_parameters > 0 && !s->allow_hypervisor_parameters)
		return error_set(err, EPERM, "vm.hypervisor.parameters: \"%s\" is not allowed here (hyperv.allow_hypervisor_parameters in the "
				 "configuration file would permit it)", vm->hypervisor->parameters[0]);
	return host_file_check(&f, &c->hypervisor, err);
}

static int check_kernel(const struct oci_vm *vm, const struct settings_hyperv *s, struct choice *c, struct error *err)
{
	_cleanup_free_ const char **kernels = known_files(s, true), **initrds = known_files(s, false);
	const struct host_file kernel = { "vm.kernel.path", vm->kernel->path, "hyperv.allowed_kernels", s->allowed_kernels, kernels };
	const struct host_file initrd = { "vm.kernel.initrd", vm->kernel->initrd, "hyperv.allowed_initrds", s->allowed_initrds, initrds };
	int r;

	if (vm->kernel->n_parameters > 0 && !s->allow_kernel_parameters)
		return error_set(err, EPERM, "vm.kernel.parameters: \"%s\" is not allowed here (hyperv.allow_kernel_parameters in the "
				 "configuration file would permit it)", vm->kernel->parameters[0]);
	r = host_file_check(&kernel, &c->kernel, err);
	return r < 0 || !initrd.path ? r : host_file_check(&initrd, &c->initrd, err);
}

static int check_vm(const struct oci_vm *vm, const struct settings_hyperv *s, struct choice *c, struct error *err)
{
	int r = vm->hypervisor ? check_hypervisor(vm, s, c, err) : 0;

	if (r == 0)
		r = check_kernel(vm, s, c, err);
	if (r == 0 && vm->image) {
		const struct host_file f = { "vm.image.path", vm->image->path, "hyperv.allowed_images", s->allowed_images, NULL };

		r = host_file_check(&f, &c->image, err);
	}
	return r;
}

int choice_make(const struct bundle *b, const struct settings *settings, struct choice *ret, struct error *err)
{
	const struct settings_hyperv *s = &settings->hyperv;
	const char *name = annotation_get(b->config->annotations, ANNOTATION_GUEST_KERNEL);
	_cleanup_choice_ struct choice c = CHOICE_USUAL(s);
	const struct oci_vm *vm = b->config->vm;
	int r;

	if (name && vm)
		return error_set(err, EINVAL, "annotation %s: \"%s\": the configuration has a vm section, which names its kernel itself",
				 annotation_def(ANNOTATION_GUEST_KERNEL)->key, name);
	r = name ? by_name(s, name, &c.guest, err) : 0;
	if (r == 0)
		r = vm ? check_vm(vm, s, &c, err) : by_image(b, settings, &c.guest, err);
	if (r < 0)
		return r;
	*ret = c;
	c = (struct choice){ 0 };
	return 0;
}

void choice_done(struct choice *c)
{
	free(c->hypervisor);
	free(c->kernel);
	free(c->initrd);
	free(c->image);
	*c = (struct choice){ 0 };
}
