/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a container's virtual machine costs the host: how it came up, which state.json has from create, and the memory that it has now. The latter is the
 * host's own count (proc_pid_smaps(5), smaps_rollup, since Linux 4.14), not what a guest says: private is what ending this one machine would give
 * back, the pages of the template's memory that a copy has not written are shared with all other copies.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <ocispec/types.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/process.h"
#include "base/str.h"
#include "container/container.h"
#include "hyperv/create.h"
#include "schema/json.h"
#include "schema/types.h"

enum { PROC_FILE_MAX = 65536 };

/* Adds the number of KiB in the line that begins with the name. */
static bool add_kib(const char *text, const char *name, uint64_t *sum)
{
	for (const char *line = text; line; line = strchr(line, '\n')) {
		const char *value = str_skip_prefix(line += *line == '\n', name);
		uint64_t kib;

		while (value && *value == ' ')
			value++;
		if (value && num_scan_u64(value, &kib)) {
			*sum += kib << 10;
			return true;
		}
	}
	return false;
}

/* The directory in /proc of the worker's VMM: by its descriptor, nobody who gets its number later is meant. */
static int open_vmm(const struct container *c)
{
	char path[32];
	_cleanup_fd_ int fd = -1;
	struct process_stat st;

	snprintf(path, sizeof(path), "/proc/%d", (int)c->state->startup->pid);
	fd = file_open_dir(AT_FDCWD, path);
	if (fd < 0 || process_get_stat_at(fd, &st) < 0 || st.ppid != (pid_t)c->state->pid || !container_process_alive(c))
		return -1;
	return TAKE_FD(fd);
}

/* Without the right to look (CAP_SYS_PTRACE), or when it is just ending, nothing is said. */
static void read_memory(const struct container *c, struct hv_machine *m)
{
	_cleanup_fd_ int fd = open_vmm(c);
	_cleanup_free_ char *text = NULL;

	if (fd < 0 || file_read_at(fd, "smaps_rollup", PROC_FILE_MAX, &text, NULL) < 0)
		return;
	m->has_private_memory = add_kib(text, "Private_Clean:", &m->private_memory) && add_kib(text, "Private_Dirty:", &m->private_memory);
	m->has_resident_memory = add_kib(text, "Rss:", &m->resident_memory);
}

/* A member of a pod has no machine of its own; its sandbox tells. */
int hyperv_machine(_unused_ const struct env *env, struct container *c, struct buf *out, struct error *err)
{
	struct hv_machine m = { .startup = c->state->startup };
	_cleanup_free_ char *json = NULL;
	size_t len;
	int r;

	if (!m.startup)
		return 0;
	read_memory(c, &m);
	r = json_write(&hv_machine_type, &m, &json, &len, err);
	if (r == 0)
		buf_append(out, json, len);
	return r;
}
