# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2154 # names that lib.bash sets
# Common to the tests with container engines: they know their runtime by the path of a program, and it keeps its state
# where they say.

load ../bats/lib

# Makes $RUNTIME, which is hvrun with the suite's options.
engine_runtime()
{
	RUNTIME=$SCRATCH/hvrun
	printf '#!/bin/sh\nexec %s --vm-accel %s %s "$@"\n' "$HVRUN" "$VM_ACCEL" "${HVRUN_OPTIONS:-}" >"$RUNTIME"
	chmod +x "$RUNTIME"
}

# The type for all containers, where an engine has no way to give them annotations.
engine_type()
{
	sed -i "s/ \"\$@\"\$/ --runtime-type $RUNTIME_TYPE &/" "$RUNTIME"
}
