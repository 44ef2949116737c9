/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The memory of a copy is its template's, mapped privately: a mapping that can be written, of a file that must never be, for it is the memory of all other
 * copies, too. mmap(2) is content with a file that is open for reading. QEMU is not: up to version 8.1 it opens what it shall write to with O_RDWR and
 * no other way, and keeps it open.
 *
 * So its open(2) is answered by us (seccomp_unotify(2), SECCOMP_IOCTL_NOTIF_ADDFD of Linux 5.9): what it gets is our descriptor, which was
 * opened for reading on a read-only mount. All its other opens go the usual way; this one would fail without us, for the file's mount is read-only.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "base/fd.h"
#include "base/log.h"
#include "linux/sys.h"
#include "vmwp/worker.h"

/* Whether path, in its memory, is what the command line calls its memory (hyperv/vmm/qemu.c). */
static bool is_memory(const struct worker *w, pid_t pid, uint64_t path)
{
	char want[32], have[32] = "";
	size_t len = (size_t)snprintf(want, sizeof(want), "/proc/self/fd/%d", w->memory_fd) + 1;
	const struct iovec local = { have, len }, remote = { (void *)(uintptr_t)path, len };

	return process_vm_readv(pid, &local, 1, &remote, 1, 0) == (ssize_t)len && !memcmp(have, want, len);
}

static int answer(struct worker *w, const struct seccomp_notif *ask, struct seccomp_notif_resp *resp)
{
	struct seccomp_notif_addfd fd = { .id = ask->id, .srcfd = (uint32_t)w->memory_fd, .newfd_flags = O_CLOEXEC };
	int r;

	resp->id = ask->id;
	resp->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	if (!is_memory(w, (pid_t)ask->pid, ask->data.args[1]))
		return 0;
	r = sys_ioctl(w->memory_listen_fd, SECCOMP_IOCTL_NOTIF_ADDFD, (uintptr_t)&fd);
	if (r < 0)
		return r;
	resp->flags = 0;
	resp->val = r;
	return 0;
}

static int on_open(void *data, int fd, uint32_t events, _unused_ struct error *err)
{
	struct worker *w = data;
	struct seccomp_notif_resp resp = { 0 };
	struct seccomp_notif ask = { 0 };
	int r;

	if (!(events & EPOLLIN)) { /* nobody is left who could ask */
		memory_done(w);
		return 0;
	}
	r = sys_ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, (uintptr_t)&ask);
	if (r == -EINTR || r == -ENOENT) /* it has been killed meanwhile */
		return 0;
	if (r >= 0)
		r = answer(w, &ask, &resp);
	if (r < 0) {
		log_debug("the VMM's memory: %s", strerror(-r));
		resp.flags = 0;
		resp.error = r;
	}
	sys_ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, (uintptr_t)&resp);
	return 0;
}

int memory_serve(struct worker *w, struct error *err)
{
	return event_add_fd(w->loop, w->memory_listen_fd, EPOLLIN, on_open, w, &w->memory_source, err);
}

void memory_done(struct worker *w)
{
	w->memory_source = event_source_free(w->memory_source);
	w->memory_listen_fd = fd_close(w->memory_listen_fd);
}
