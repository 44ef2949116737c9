/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What type HyperV has to say to `hvrun check`: who would run a virtual machine here, on which kernels, and what a bundle's would be. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <ocispec/types.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/str.h"
#include "container/bundle.h"
#include "container/compat.h"
#include "container/elf.h"
#include "container/env.h"
#include "container/report.h"
#include "container/settings.h"
#include "hyperv/choice.h"
#include "hyperv/hyperv.h"
#include "hyperv/spec.h"
#include "hyperv/vmm/vmm.h"
#include "schema/types.h"

enum { HEAD_SIZE = 4096, NOTES_MAX = 64 << 10, VERSION_MAX = 4096, XEN_ELFNOTE_PHYS32_ENTRY = 18 };

/* The accelerator ------------------------------------------------------------------------------------------------- */

/* How guests of guests are, where KVM says so. */
static void check_nested(struct report *r)
{
	static const char *const files[] = { "/sys/module/kvm_intel/parameters/nested", "/sys/module/kvm_amd/parameters/nested" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *text = NULL;

		if (file_read_at(AT_FDCWD, files[i], 16, &text, NULL) == 0)
			report_add(r, REPORT_NOTE, "nested", "%s", text[0] == 'Y' || text[0] == '1' ? "guests may run KVM" : "guests cannot run KVM");
	}
}

static void check_accel(const struct settings_hyperv *s, struct report *r)
{
	bool emulated = str_eq(s->accel, "tcg");
	struct error err;
	int have = vmm_probe_kvm(&err);

	if (have == 0)
		report_add(r, REPORT_OK, "KVM", "can be used");
	else
		report_add(r, emulated ? REPORT_NOTE : REPORT_NO, "KVM", "%.*s", (int)strcspn(err.msg, ";"), err.msg);
	if (have == 0)
		check_nested(r);
	report_add(r, emulated ? REPORT_NOTE : REPORT_OK, "accelerator", "%s",
		   emulated ? "tcg (emulated: not a security boundary)" : "kvm (emulation is not allowed: --vm-accel tcg, or hyperv.accel)");
}

/* The VMM --------------------------------------------------------------------------------------------------------- */

/* The first line that "binary --version" prints; NULL when it does not. */
static char *ask_version(const char *binary)
{
	char *const argv[] = { (char *)binary, (char *)"--version", NULL };
	struct process_spawn spawn = { .path = binary, .argv = argv, .stdio = { -1, -1, -1 }, .parent_death_signal = SIGKILL };
	_cleanup_free_ char *text = NULL;
	int fds[2], r, status = 0;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return NULL;
	spawn.stdio[1] = fds[1];
	r = process_spawn(&spawn, &pid);
	fd_close(fds[1]);
	if (r == 0) {
		r = fd_read_file(fds[0], VERSION_MAX, &text, NULL);
		if (r < 0)
			kill(pid, SIGKILL);
		process_wait(pid, &status);
	}
	fd_close(fds[0]);
	return r == 0 && status == 0 ? xstrndup(text, strcspn(text, "\r\n")) : NULL;
}

static int check_vmm(const struct settings_hyperv *s, struct report *r)
{
	struct error err;
	const struct vmm_ops *vmm = vmm_find(s->vmm, &err);
	const struct choice usual = CHOICE_USUAL(s);
	const struct vm_spec spec = { .architecture = usual.guest->architecture, .machine = usual.guest->machine,
				      .binary = usual.guest->vmm_path };
	const char *binary = vmm ? vmm_binary(vmm, &spec, &err) : NULL;
	_cleanup_free_ char *version = binary ? ask_version(binary) : NULL;

	if (!binary)
		return report_result(r, "VMM", -err.code, NULL, &err);
	if (!version) {
		report_add(r, REPORT_NO, "VMM", "%s: does not say its version", binary);
		return -EIO;
	}
	report_add(r, REPORT_OK, "VMM", "%s: %s", binary, version);
	return 0;
}

/* Only who asks for virtiofs misses it. */
static void check_virtiofsd(const struct settings_hyperv *s, struct report *r)
{
	const struct oci_config nothing = { 0 };
	const struct choice usual = CHOICE_USUAL(s);
	struct error err;
	struct vm_spec spec = { 0 };
	const char *binary = spec_make_vm(&nothing, s, &usual, &spec, &err) == 0 ? vmm_virtiofsd(&spec, &err) : NULL;
	_cleanup_free_ char *version = binary ? ask_version(binary) : NULL;

	if (binary)
		report_add(r, REPORT_OK, "virtiofsd", "%s%s%s", binary, version ? ": " : "", version ? version : "");
	else
		report_add(r, spec.virtiofs ? REPORT_NO : REPORT_NOTE, "virtiofsd", "%s", err.msg);
}

static int check_worker(const struct settings_hyperv *s, struct report *r)
{
	struct error err;
	int result = access(s->worker, X_OK) < 0 ? error_errno(&err, "%s", s->worker) : 0;

	return report_result(r, "worker", result, s->worker, &err);
}

/* The guests ------------------------------------------------------------------------------------------------------ */

/* "PVH" of an ELF file: a note that says where to enter it without a boot protocol (XEN_ELFNOTE_PHYS32_ENTRY). */
static bool has_pvh_note(int fd, const unsigned char *head, size_t len)
{
	_cleanup_free_ unsigned char *notes = NULL;
	uint64_t offset, size;
	ssize_t n;

	if (!elf_find_notes(head, len, &offset, &size) || size > NOTES_MAX || offset > INT64_MAX)
		return false;
	notes = xmalloc(size + 1);
	n = pread(fd, notes, size, (off_t)offset);
	return n > 0 && elf_has_note(notes, (size_t)n, "Xen", XEN_ELFNOTE_PHYS32_ENTRY);
}

/* What kind of file a kernel is (x86's boot protocol; Documentation/arch/arm64/booting.rst). */
static const char *kernel_format(const char *path)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	unsigned char head[HEAD_SIZE];
	ssize_t n = fd < 0 ? -1 : fd_read_all(fd, head, sizeof(head));
	struct elf_identity elf;

	if (n < HEAD_SIZE)
		return "no kernel";
	if (elf_identify(head, (size_t)n, &elf))
		return has_pvh_note(fd, head, (size_t)n) ? "ELF with a PVH note" : "ELF without a PVH note";
	if (!memcmp(head + 0x202, "HdrS", 4))
		return "bzImage";
	return memcmp(head + 56, "ARM\x64", 4) ? "of an unknown format" : "arm64 Image";
}

static void check_guest(const struct settings_hyperv *s, const struct settings_guest *g, struct report *r)
{
	const struct choice choice = { .guest = g };
	const struct oci_config nothing = { 0 };
	uint32_t version = compat_guest_version(g);
	_cleanup_free_ char *detail = NULL, *release = xasprintf("%u.%u.%u", version >> 16, version >> 8 & 0xff, version & 0xff);
	struct error err;
	struct vm_spec spec;
	const struct vmm_ops *vmm = vmm_find(s->vmm, &err);
	int result = vmm ? spec_make_vm(&nothing, s, &choice, &spec, &err) : -err.code;

	if (result == 0)
		result = vmm_probe(vmm, &spec, &err);
	if (result == 0)
		detail = xasprintf("%s, kernel %s, %s, %s, %s", g->architecture, version ? release : "of unknown release",
				   kernel_format(g->kernel), g->accel, g->kernel);
	report_result(r, g->name, result, detail, &err);
}

static int count_template(void *data, const struct hv_template_info *t, _unused_ struct error *err)
{
	*(unsigned *)data += str_eq(t->status, "ready");
	return 0;
}

static void check_templates(const struct env *env, struct report *r)
{
	struct error err;
	unsigned ready = 0;

	if (!env->settings->hyperv.use_template)
		report_add(r, REPORT_NOTE, "templates", "switched off (hyperv.template): each virtual machine boots");
	else if (hyperv_template_each(env, count_template, &ready, &err) < 0)
		report_result(r, "templates", -err.code, NULL, &err);
	else
		report_add(r, ready ? REPORT_OK : REPORT_NOTE, "templates", "%u ready%s", ready, ready ? "" : ": the first container makes one");
}

void hyperv_check(const struct env *env, struct report *r)
{
	const struct settings_hyperv *s = &env->settings->hyperv;

	r->section = "HyperV";
	check_accel(s, r);
	check_vmm(s, r);
	check_worker(s, r);
	check_virtiofsd(s, r);
	check_templates(env, r);
	r->section = "guests";
	for (size_t i = 0; i < s->n_guests; i++)
		check_guest(s, &s->guests[i], r);
}

int hyperv_usable(const struct env *env, struct error *err)
{
	const struct settings_hyperv *s = &env->settings->hyperv;
	const struct vmm_ops *vmm = vmm_find(s->vmm, err);
	const struct choice usual = CHOICE_USUAL(s);
	const struct oci_config nothing = { 0 };
	struct vm_spec spec;
	int r = vmm ? spec_make_vm(&nothing, s, &usual, &spec, err) : -err->code;

	return r < 0 ? r : vmm_probe(vmm, &spec, err);
}

/* A bundle's machine ---------------------------------------------------------------------------------------------- */

int hyperv_describe(const struct env *env, const struct bundle *b, struct report *r, struct hv_check_bundle *ret, struct oci_doc *doc,
		    struct error *err)
{
	const struct settings_hyperv *s = &env->settings->hyperv;
	_cleanup_choice_ struct choice choice = { 0 };
	const struct vmm_ops *vmm = vmm_find(s->vmm, err);
	struct vm_spec spec;
	const char *binary;
	int result = vmm ? choice_make(b, env->settings, &choice, err) : -err->code;

	if (result == 0)
		result = spec_make_vm(b->config, s, &choice, &spec, err);
	if (result < 0)
		return result;
	binary = vmm_binary(vmm, &spec, err);
	if (!binary)
		return -err->code;
	report_add(r, REPORT_OK, "guest", "%s, %s", b->config->vm ? "by its vm section" : choice.guest->name, spec.kernel);
	report_add(r, REPORT_OK, "machine", "%u processor%s, %llu MiB, %s, %s", spec.vcpus, spec.vcpus == 1 ? "" : "s",
		   (unsigned long long)(spec.memory >> 20), vmm_accel_to_string(spec.accel), binary);
	ret->has_vcpus = ret->has_memory = true;
	ret->vcpus = spec.vcpus;
	ret->memory = spec.memory;
	ret->guest = b->config->vm ? NULL : oci_doc_strdup(doc, choice.guest->name);
	ret->kernel = oci_doc_strdup(doc, spec.kernel);
	ret->initrd = oci_doc_strdup(doc, spec.initrd);
	ret->vmm = oci_doc_strdup(doc, binary);
	ret->accel = oci_doc_strdup(doc, vmm_accel_to_string(spec.accel));
	return 0;
}
