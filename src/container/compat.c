/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Host times image: which of the runtime types can run an image on this machine, as Windows' version
 * compatibility matrix says for its containers. Same operating system, an architecture that the kernel (or
 * a registered interpreter) executes, and a kernel that is new enough: natively. Else it needs a guest whose kernel does, and where there is
 * none either, nobody can run it here. Pure; compat_gather.c asks bundle and machine.
 */
#include "container/compat.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "container/elf.h"

/* An architecture by its names, and the machines whose kernels execute it: the first is its own. */
static const struct {
	const char *architecture; /* OCI image specification (Go's GOARCH) */
	unsigned char elf_class, data;
	uint16_t elf_machine;
	const char *machines[4]; /* uname(2) */
} architectures[] = {
	{ "amd64", ELFCLASS64, ELFDATA2LSB, EM_X86_64, { "x86_64" } },
	{ "386", ELFCLASS32, ELFDATA2LSB, EM_386, { "i686", "i586", "x86_64" } },
	{ "arm64", ELFCLASS64, ELFDATA2LSB, EM_AARCH64, { "aarch64" } },
	{ "arm", ELFCLASS32, ELFDATA2LSB, EM_ARM, { "armv7l", "armv6l", "aarch64" } },
	{ "riscv64", ELFCLASS64, ELFDATA2LSB, EM_RISCV, { "riscv64" } },
	{ "s390x", ELFCLASS64, ELFDATA2MSB, EM_S390, { "s390x" } },
	{ "ppc64le", ELFCLASS64, ELFDATA2LSB, EM_PPC64, { "ppc64le" } },
	{ "ppc64", ELFCLASS64, ELFDATA2MSB, EM_PPC64, { "ppc64" } },
	{ "loong64", ELFCLASS64, ELFDATA2LSB, EM_LOONGARCH, { "loongarch64" } },
	{ "mips64le", ELFCLASS64, ELFDATA2LSB, EM_MIPS, { "mips64" } },
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

const char *compat_machine(const char *architecture)
{
	for (size_t i = 0; i < ARRAY_SIZE(architectures); i++)
		if (str_eq(architectures[i].architecture, architecture))
			return architectures[i].machines[0];
	return NULL;
}

const char *compat_architecture_of(const struct elf_identity *elf)
{
	for (size_t i = 0; i < ARRAY_SIZE(architectures); i++)
		if (architectures[i].elf_machine == elf->machine && architectures[i].elf_class == elf->elf_class &&
		    architectures[i].data == elf->data)
			return architectures[i].architecture;
	return NULL;
}

size_t compat_make_header(const char *architecture, unsigned char ret[COMPAT_HEADER_SIZE])
{
	for (size_t i = 0; i < ARRAY_SIZE(architectures); i++) {
		bool big_endian = architectures[i].data == ELFDATA2MSB;
		uint16_t machine = architectures[i].elf_machine;

		if (!str_eq(architectures[i].architecture, architecture))
			continue;
		memset(ret, 0, COMPAT_HEADER_SIZE);
		memcpy(ret, ELFMAG, SELFMAG);
		ret[EI_CLASS] = architectures[i].elf_class;
		ret[EI_DATA] = architectures[i].data;
		ret[EI_VERSION] = EV_CURRENT;
		ret[big_endian ? 17 : 16] = ET_EXEC;
		ret[big_endian ? 18 : 19] = (unsigned char)(machine >> 8);
		ret[big_endian ? 19 : 18] = (unsigned char)machine;
		return COMPAT_HEADER_SIZE;
	}
	return 0;
}

uint32_t compat_parse_version(const char *release)
{
	uint64_t parts[3] = { 0 };

	for (size_t i = 0; release && i < ARRAY_SIZE(parts); i++) {
		release = num_scan_u64(release, &parts[i]);
		if (!release || *release++ != '.')
			break;
	}
	return KERNEL_VERSION(MIN(parts[0], 255U), MIN(parts[1], 255U), MIN(parts[2], 255U));
}

/* The first feature that the image asks for and the kernel does not have; for free(). NULL: it has all. */
static char *missing_feature(const struct compat_image *image, const struct compat_kernel *kernel)
{
	_cleanup_strv_ char **wanted = str_split(image->features ? image->features : "", ',');

	for (char **w = wanted; *w; w++)
		if (**w && !strv_contains(kernel->features, *w))
			return xstrdup(*w);
	return NULL;
}

enum compat_misfit compat_fit(const struct compat_image *image, const struct compat_kernel *kernel)
{
	_cleanup_free_ char *feature = NULL;

	if (image->os && !str_eq(image->os, "linux"))
		return COMPAT_OS;
	if (image->architecture && !runs_on(image, kernel->machine))
		return COMPAT_ARCHITECTURE;
	if (kernel->version && image->kernel > kernel->version)
		return COMPAT_VERSION;
	feature = missing_feature(image, kernel);
	return feature ? COMPAT_FEATURE : COMPAT_FITS;
}

/* An interpreter makes up for the architecture and nothing else. */
static bool fits_emulated(const struct compat *c)
{
	struct compat_image image = c->image;

	image.architecture = image.variant = NULL;
	return c->emulates && compat_fit(&image, &c->host) == COMPAT_FITS;
}

int compat_guest(const struct compat *c)
{
	for (int i = 0; i < (int)c->n_guests; i++)
		if ((c->wanted < 0 || c->wanted == i) && compat_fit(&c->image, &c->guests[i]) == COMPAT_FITS)
			return i;
	return -1;
}

unsigned compat_check(const struct compat *c)
{
	unsigned can = compat_guest(c) >= 0 ? COMPAT_HYPERV : 0;

	if (compat_fit(&c->image, &c->host) == COMPAT_FITS)
		can |= COMPAT_DEFAULT | COMPAT_NATIVE;
	else if (fits_emulated(c))
		can |= COMPAT_DEFAULT;
	return can;
}

static void add_version(struct buf *b, uint32_t version)
{
	buf_printf(b, "%u.%u.%u", version >> 16, version >> 8 & 0xff, version & 0xff);
}

/* What does not fit between the image and a kernel. */
static void describe(const struct compat_image *image, const struct compat_kernel *k, struct buf *b)
{
	_cleanup_free_ char *whose = k->name ? xasprintf("guest \"%s\"", k->name) : xstrdup("the host"), *feature = NULL;

	switch (compat_fit(image, k)) {
	case COMPAT_FITS:
	case COMPAT_OS:
	case COMPAT_ARCHITECTURE:
		buf_printf(b, "the image is for %s", image->os ? image->os : "linux");
		if (image->architecture)
			buf_printf(b, "/%s", image->architecture);
		if (image->architecture && image->variant)
			buf_printf(b, "/%s", image->variant);
		buf_printf(b, ", %s is linux/%s", whose, k->machine);
		break;
	case COMPAT_VERSION:
		buf_append_str(b, "the image needs kernel ");
		add_version(b, image->kernel);
		buf_printf(b, " or newer, %s has ", whose);
		add_version(b, k->version);
		break;
	case COMPAT_FEATURE:
		feature = missing_feature(image, k);
		buf_printf(b, "the image needs the feature \"%s\", %s is not said to have it (configuration file: %s)", feature, whose,
			   k->name ? "hyperv.guests" : "os_features");
		break;
	}
}

int compat_refuse(const struct compat *c, enum runtime_type type, struct error *err)
{
	bool hyperv = type == RUNTIME_TYPE_HYPERV;
	unsigned can = compat_check(c);
	int guest = compat_guest(c);
	struct buf b = { 0 };
	int r;

	describe(&c->image, hyperv && c->n_guests ? &c->guests[MAX(c->wanted, 0)] : &c->host, &b);
	if (!hyperv && guest >= 0)
		buf_printf(&b, ": runtime type HyperV can run it with guest \"%s\" (annotation io.hvrun.runtime-type, or --runtime-type), Default "
			   "cannot", c->guests[guest].name);
	else if (hyperv && can & COMPAT_DEFAULT)
		buf_append_str(&b, ": runtime type Default can run it, HyperV has no guest for it");
	else
		buf_append_str(&b, ": runtime type HyperV with a guest for it would run it, but there is none (hyperv.guests in the "
			       "configuration file)");
	r = error_set(err, ENOEXEC, "%s", b.data);
	buf_done(&b);
	return r;
}
