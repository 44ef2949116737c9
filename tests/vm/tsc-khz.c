/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Prints what tests/vm/run tells an emulated kernel as tsc_early_khz: see src/hyperv/vmm/qemu.c for why it
 * must be told.
 */
#include <stdio.h>

#include "hyperv/vmm/vmm.h"

int main(void)
{
	printf("%u\n", vmm_tsc_khz());
	return 0;
}
