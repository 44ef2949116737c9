/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Host times image: which of the runtime types can run an image on this machine, as Windows' version
 * compatibility matrix says for its containers. Same operating system and an architecture that the kernel (or
 * a registered interpreter) executes: natively. Else it needs a guest whose kernel does, and where there is
 * none either, nobody can run it here.
 */
#include "container/compat.h"

#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <ocispec/types.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "container/annotation.h"
#include "container/bundle.h"
#include "linux/safe_open.h"

/* An architecture by its three names, and the machines whose kernels execute it. */
static const struct {
	const char *architecture; /* OCI image specification (Go's GOARCH) */
	unsigned char elf_class;
	uint16_t elf_machine;
	const char *interpreter; /* its usual name in binfmt_misc */
	const char *machines[4]; /* uname(2) */
} architectures[] = {
	{ "amd64", ELFCLASS64, EM_X86_64, "qemu-x86_64", { "x86_64" } },
	{ "386", ELFCLASS32, EM_386, "qemu-i386", { "x86_64", "i686", "i586" } },
	{ "arm64", ELFCLASS64, EM_AARCH64, "qemu-aarch64", { "aarch64" } },
	{ "arm", ELFCLASS32, EM_ARM, "qemu-arm", { "aarch64", "armv7l", "armv6l" } },
	{ "riscv64", ELFCLASS64, EM_RISCV, "qemu-riscv64", { "riscv64" } },
	{ "s390x", ELFCLASS64, EM_S390, "qemu-s390x", { "s390x" } },
	{ "ppc64le", ELFCLASS64, EM_PPC64, "qemu-ppc64le", { "ppc64le" } },
	{ "loong64", ELFCLASS64, EM_LOONGARCH, "qemu-loongarch64", { "loongarch64" } },
};

/*
 * Variants that not every machine of an architecture has: what uname(2) must say. Others are taken as they
 * come.
 */
static const struct {
	const char *architecture, *variant, *machine;
} variants[] = { { "arm", "v8", "aarch64" },
		 { "arm64", "v8", "aarch64" },
		 { "arm", "v7", "armv7l" },
		 { "arm", "v7", "aarch64" } };

static bool variant_runs_on(const char *architecture, const char *variant, const char *machine)
{
	bool known = false;

	for (size_t i = 0; i < ARRAY_SIZE(variants); i++) {
		if (!str_eq(variants[i].architecture, architecture) || !str_eq(variants[i].variant, variant))
			continue;
		if (str_eq(variants[i].machine, machine))
			return true;
		known = true;
	}
	return !known;
}

static bool runs_on(const struct compat_image *image, const char *machine)
{
	for (size_t i = 0; i < ARRAY_SIZE(architectures); i++)
		if (str_eq(architectures[i].architecture, image->architecture))
			for (size_t k = 0; k < ARRAY_SIZE(architectures[i].machines); k++)
				if (str_eq(architectures[i].machines[k], machine))
					return variant_runs_on(image->architecture, image->variant, machine);
	return false;
}

unsigned compat_check(const struct compat_image *image, const struct compat_host *host)
{
	unsigned can = 0;

	if (image->os && !str_eq(image->os, "linux"))
		return 0;
	if (!image->architecture || host->emulates || runs_on(image, host->machine))
		can |= COMPAT_DEFAULT;
	if (host->guest && (!image->architecture || runs_on(image, host->guest)))
		can |= COMPAT_HYPERV;
	return can;
}

int compat_refuse(const struct compat_image *image, const struct compat_host *host, unsigned can,
		  struct error *err)
{
	const char *os = image->os ? image->os : "linux",
		   *architecture = image->architecture ? image->architecture : "";
	const char *variant = image->variant ? image->variant : "";
	_cleanup_free_ char *what =
		xasprintf("the image is for %s%s%s%s%s, the host is linux/%s", os, *architecture ? "/" : "",
			  architecture, *variant ? "/" : "", variant, host->machine);

	if (can & COMPAT_HYPERV)
		return error_set(err, ENOEXEC, "%s: runtime type HyperV can run it, Default cannot", what);
	if (can & COMPAT_DEFAULT)
		return error_set(err, ENOEXEC,
				 "%s: runtime type Default can run it, HyperV has no guest for it", what);
	return error_set(err, ENOEXEC,
			 "%s: runtime type HyperV with a guest for it would run it, but there is none", what);
}

/*
 * The architecture of the ELF file at path in the rootfs; NULL when it is none, or one that is not in the
 * table.
 */
static const char *elf_architecture(int rootfs_fd, const char *path)
{
	_cleanup_fd_ int fd = safe_open(rootfs_fd, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	union {
		unsigned char ident[EI_NIDENT];
		Elf32_Ehdr header; /* as far as e_machine both classes are the same */
	} elf;
	uint16_t machine;

	if (fd < 0 || fd_read_all(fd, &elf, sizeof(elf)) != (ssize_t)sizeof(elf) ||
	    memcmp(elf.ident, ELFMAG, SELFMAG) != 0)
		return NULL;
	machine = elf.ident[EI_DATA] == ELFDATA2MSB ? be16toh(elf.header.e_machine)
						    : le16toh(elf.header.e_machine);
	for (size_t i = 0; i < ARRAY_SIZE(architectures); i++)
		if (architectures[i].elf_machine == machine &&
		    architectures[i].elf_class == elf.ident[EI_CLASS])
			return architectures[i].architecture;
	return NULL;
}

static const char *entry_point_architecture(const struct bundle *b)
{
	const struct oci_process *p = b->config->process;
	_cleanup_fd_ int rootfs = p ? file_open_dir(AT_FDCWD, b->rootfs) : -1;
	_cleanup_strv_ char **dirs = NULL;
	const char *found = NULL;

	if (rootfs < 0)
		return NULL;
	if (strchr(p->args[0], '/'))
		return elf_architecture(rootfs, p->args[0]);
	dirs = str_split(strv_env_get(p->env, "PATH") ? strv_env_get(p->env, "PATH") : "/bin:/usr/bin", ':');
	for (char **d = dirs; *d && !found; d++) {
		_cleanup_free_ char *path = path_join(*d, p->args[0]);

		found = elf_architecture(rootfs, path);
	}
	return found;
}

void compat_image_of(const struct bundle *b, bool look_inside, struct compat_image *ret)
{
	const struct oci_string_map *a = b->config->annotations;

	ret->os = annotation_get(a, ANNOTATION_IMAGE_OS);
	ret->architecture = annotation_get(a, ANNOTATION_IMAGE_ARCHITECTURE);
	ret->variant = annotation_get(a, ANNOTATION_IMAGE_VARIANT);
	if (!ret->os && !b->config->linux_ && b->config->windows)
		ret->os = "windows";
	if (!ret->architecture && look_inside)
		ret->architecture = entry_point_architecture(b);
}

void compat_host_get(const struct compat_image *image, struct compat_host *ret)
{
	static struct utsname uts;
	char path[64];

	uname(&uts);
	*ret = (struct compat_host){ .machine = uts.machine, .guest = uts.machine };
	for (size_t i = 0; i < ARRAY_SIZE(architectures); i++) {
		if (!str_eq(architectures[i].architecture, image->architecture) ||
		    runs_on(image, uts.machine))
			continue;
		snprintf(path, sizeof(path), "/proc/sys/fs/binfmt_misc/%s", architectures[i].interpreter);
		ret->emulates = access(path, F_OK) == 0;
	}
}
