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

# With --privileged all block devices of the host are named. Those that a machine gets hold something, and what the host has mounted cannot be written. $output is
# to be that of a privileged container that has run "sh -c "$PRIVILEGED" sh "$(mounted_disk)"".
PRIVILEGED='grep CapEff /proc/self/status; cd /dev; for d in *; do [ ! -b $d ] || echo "block $d $(dd if=$d bs=512 count=1 2>/dev/null | wc -c)"; done
	[ ! -b "$1" ] || { echo "mounted $1"; (: 2>/dev/null >"$1") || echo "kept $1"; }'

mounted_disk()
{
	! is_hyperv || findmnt -nro SOURCE / | sed 's/\[.*//'
}

was_privileged()
{
	status_is 0
	grep -qxE 'CapEff:.0000[0-9a-f]*ff' <<<"$output"
	is_hyperv || return 0
	# loop devices come and go, with what else is tested here
	not grep -E '^block [^l].* 0$' <<<"$output"
	! grep -q '^mounted' <<<"$output" || has "kept $(mounted_disk)"
}
