/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What makes two VMs the same. The frequency of the TSC is left out: it is measured, a little different each time, and a template lives no longer
 * than this boot of the host; the counter goes on in the copies from where it was in the template.
 */
#include "hyperv/template_key.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "proto/message.h"

enum { FORMAT = 1, CPU_LINE_MAX = 16 << 10 };

/* Lines of /proc/cpuinfo that say what the CPU is, of x86 and arm64; the others say which one it is, or how it fares now. */
static const char *const cpu_lines[] = {
	"vendor_id", "cpu family", "model", "model name", "stepping", "microcode", "flags",
	"CPU implementer", "CPU architecture", "CPU variant", "CPU part", "CPU revision", "Features",
};

static void add_file(struct buf *b, const char *path, const struct template_file *f)
{
	buf_printf(b, "file %s %" PRIu64 ":%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", path, f->dev, f->ino, f->size, f->changed);
}

char *template_key(const struct vmm_ops *vmm, const struct vm_spec *vm, const char *binary, const struct template_facts *facts)
{
	const int no_fds[VMM_NICS_MAX] = { 0 };
	struct vm_spec machine = *vm;
	_cleanup_strv_ char **argv = NULL;
	struct buf b = { 0 };

	/* fds are of no interest but that they are there */
	machine.name = "template";
	machine.tsc_khz = 0;
	machine.share = "/";
	machine.control_fd = machine.stream_fd = machine.console_fd = machine.qmp_fd = machine.memory_fd = 0;
	machine.nic_fds = no_fds;
	machine.start = VMM_START_TEMPLATE;
	argv = vmm->command(&machine, binary);

	buf_printf(&b, "hvrun " PACKAGE_VERSION " format %d protocol %d-%d\n", FORMAT, PROTOCOL_VERSION_MIN, PROTOCOL_VERSION_MAX);
	add_file(&b, binary, &facts->binary);
	add_file(&b, vm->kernel, &facts->kernel);
	add_file(&b, vm->initrd, &facts->initrd);
	for (char **word = argv; *word; word++)
		buf_printf(&b, "arg %s\n", *word);
	buf_append_str(&b, facts->host);
	return buf_take(&b);
}

/* FNV-1a, 64 bits (draft-eastlake-fnv). */
void template_key_name(const char *key, char ret[TEMPLATE_NAME_SIZE])
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *key; key++)
		hash = (hash ^ (unsigned char)*key) * UINT64_C(0x100000001b3);
	snprintf(ret, TEMPLATE_NAME_SIZE, "%016" PRIx64, hash);
}

uint64_t template_memory(uint64_t need, uint64_t usual)
{
	uint64_t memory = UINT64_C(1) << 20;

	if (need <= usual)
		return usual;
	while (memory < need && memory < UINT64_C(1) << 62)
		memory <<= 1;
	return memory;
}

static int get_file(const char *path, struct template_file *ret, struct error *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return error_errno(err, "%s", path);
	*ret = (struct template_file){ .dev = st.st_dev, .ino = st.st_ino, .size = (uint64_t)st.st_size,
				       .changed = (uint64_t)st.st_ctim.tv_sec * 1000000000 + (uint64_t)st.st_ctim.tv_nsec };
	return 0;
}

static bool is_cpu_line(const char *line)
{
	size_t len = strcspn(line, "\t:");

	for (size_t i = 0; i < ARRAY_SIZE(cpu_lines); i++)
		if (strlen(cpu_lines[i]) == len && !strncmp(line, cpu_lines[i], len))
			return true;
	return false;
}

/* Of the first processor: an empty line ends it, so that a host with many is not asked for all of them. */
static int add_cpu(struct buf *b, struct error *err)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	_cleanup_free_ char *line = NULL;
	size_t size = 0;

	if (!f)
		return error_errno(err, "/proc/cpuinfo");
	while (getline(&line, &size, f) > 1 && b->len < CPU_LINE_MAX)
		if (is_cpu_line(line))
			buf_append_str(b, line);
	fclose(f);
	return 0;
}

int template_facts_get(const struct vm_spec *vm, const char *binary, struct template_facts *ret, struct error *err)
{
	_cleanup_template_facts_ struct template_facts f = { 0 };
	_cleanup_free_ char *boot_id = NULL;
	_cleanup_buf_ struct buf host = { 0 };
	int r = file_read_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &boot_id, NULL);

	if (r < 0)
		return error_errnum(err, r, "/proc/sys/kernel/random/boot_id");
	buf_printf(&host, "boot %s", boot_id);
	r = add_cpu(&host, err);
	if (r == 0)
		r = get_file(binary, &f.binary, err);
	if (r == 0)
		r = get_file(vm->kernel, &f.kernel, err);
	if (r == 0)
		r = get_file(vm->initrd, &f.initrd, err);
	if (r < 0)
		return r;
	f.host = buf_take(&host);
	*ret = f;
	f.host = NULL;
	return 0;
}

void template_facts_done(struct template_facts *f)
{
	free(f->host);
	f->host = NULL;
}
