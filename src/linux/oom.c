/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* process.oomScoreAdj: proc_pid_oom_score_adj(5). */
#include "linux/oom.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "linux/procfs.h"

int oom_score_adj_set(int procfs_fd, pid_t pid, int value, bool lenient, struct error *err)
{
	char text[16];
	int r;

	snprintf(text, sizeof(text), "%d", value);
	if (pid > 0)
		r = procfs_write_pid(procfs_fd, pid, "oom_score_adj", text, strlen(text));
	else
		r = procfs_write(procfs_fd, "self/oom_score_adj", text, strlen(text));
	if (lenient && (r == -EACCES || r == -EPERM))
		return 0;
	return r < 0 ? error_errnum(err, r, "process.oomScoreAdj: cannot set %d", value) : 0;
}
