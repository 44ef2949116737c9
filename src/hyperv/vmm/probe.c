/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether this host can run a VM, answered before anything is made: a refusal must leave the machine as it
 * was, and its message must say which file or which option would help. Asked once for each create of type
 * HyperV.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/architecture.h"
#include "base/fd.h"
#include "base/mem.h"
#include "hyperv/vmm/vmm.h"

#define ALLOW_EMULATION                                                                                      \
	"; emulation, which is slower and not a security boundary, is allowed by --vm-accel tcg or "         \
	"\"accel\": \"tcg\" in the configuration"

/* x86 alone tells in /proc/cpuinfo whether there is virtualization to be had; elsewhere KVM_CREATE_VM has the
 * last word anyway. */
#if defined(__x86_64__) || defined(__i386__)
static const char *const cpu_flags[] = {"vmx", "svm", NULL};
#else
static const char *const cpu_flags[] = {NULL};
#endif

static bool line_has_word(const char *line, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = strstr(line, word); p; p = strstr(p + len, word))
		if ((p[-1] == ' ' || p[-1] == '\t') && strchr(" \n", p[len]))
			return true;
	return false;
}

/* Looks at the first CPU's flags; the others are the same for what KVM needs. */
static int probe_cpu(struct error *err)
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	bool found = !cpu_flags[0];
	FILE *f = found ? NULL : fopen("/proc/cpuinfo", "re");

	while (f && !found && getline(&line, &size, f) > 0) {
		if (strncmp(line, "flags", 5))
			continue;
		for (size_t i = 0; cpu_flags[i]; i++)
			found |= line_has_word(line, cpu_flags[i]);
		break;
	}
	if (f)
		fclose(f);
	if (!found)
		return error_set(err, ENODEV,
				 "KVM cannot be used: the CPU offers no virtualization (neither vmx nor svm "
				 "in /proc/cpuinfo)" ALLOW_EMULATION);
	return 0;
}

int vmm_probe_kvm(struct error *err)
{
	_cleanup_fd_ int kvm = -1;
	_cleanup_fd_ int vm = -1;
	int r = probe_cpu(err);

	if (r < 0)
		return r;
	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm < 0)
		return error_set(err, errno, "KVM cannot be used: open of /dev/kvm: %s" ALLOW_EMULATION,
				 strerror(errno));
	vm = ioctl(kvm, KVM_CREATE_VM, 0UL);
	if (vm < 0)
		return error_set(err, errno, "KVM cannot be used: KVM_CREATE_VM: %s" ALLOW_EMULATION,
				 strerror(errno));
	return 0;
}

static int probe_accel(const struct vmm_ops *ops, const struct vm_spec *spec, struct error *err)
{
	const struct vmm_machine *m = vmm_machine_find(ops, spec, err);

	if (!m)
		return -err->code;
	if (spec->accel != VMM_ACCEL_KVM)
		return 0;
	if (strcmp(m->architecture, HOST_ARCHITECTURE))
		return error_set(err, ENOEXEC,
				 "KVM cannot be used: the guest is for %s, the host is " HOST_ARCHITECTURE ALLOW_EMULATION,
				 m->architecture);
	return vmm_probe_kvm(err);
}

static int probe_file(const char *what, const char *path, struct error *err)
{
	if (!path)
		return error_set(err, EINVAL, "%s: none is given (\"make guest\" makes one)", what);
	if (access(path, R_OK) < 0)
		return error_set(err, errno, "%s %s: %s (\"make guest\" makes one)", what, path,
				 strerror(errno));
	return 0;
}

int vmm_probe(const struct vmm_ops *ops, const struct vm_spec *spec, struct error *err)
{
	int r = probe_accel(ops, spec, err);

	if (r < 0)
		return r;
	if (!vmm_binary(ops, spec, err) || (spec->virtiofs && !vmm_virtiofsd(spec, err)))
		return -err->code;
	r = probe_file("guest kernel", spec->kernel, err);
	if (r < 0)
		return r;
	return probe_file("guest initramfs", spec->initrd, err);
}
