/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A filter, wherever its instructions are from: loaded, and freed. Knows nothing of libseccomp, nor does who uses no more than this. */
#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>

#include "linux/seccomp.h"
#include "linux/sys.h"

void seccomp_filter_done(struct seccomp_filter *f)
{
	free(f->insns);
	*f = (struct seccomp_filter){ 0 };
}

int seccomp_filter_load(const struct seccomp_filter *f, int *ret_listener, struct error *err)
{
	struct sock_fprog program = { .len = f->n_insns, .filter = f->insns };
	int r = f->n_insns > 0 ? sys_seccomp(SECCOMP_SET_MODE_FILTER, f->flags, &program) : 0;

	if (r < 0)
		return error_errnum(err, r,
				    "%s: cannot load the filter (%u instructions, flags %u)",
				    f->field ? f->field : "linux.seccomp", f->n_insns, f->flags);
	*ret_listener = f->notify ? r : -1;
	return 0;
}
