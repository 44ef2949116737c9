# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# SELinux: labels of the process, its files in memory and its session keyring. Permissive is enough to see them; the labels are of
# the distribution's policy. tests/vm/run --variant selinux is a machine that has it.

load lib

PROCESS=system_u:system_r:unconfined_t:s0:c1,c2
MOUNT=system_u:object_r:tmpfs_t:s0:c1,c2

setup_test()
{
	only_hvrun
	not_hyperv "the guest's kernel has no SELinux" || return
	skip_unless "SELinux is not enabled on this machine" grep -qs ' selinuxfs ' /proc/self/mounts || return
	config '.process.selinuxLabel = $l' --arg l "$PROCESS"
}

label()
{
	tr -d '\0\n' <"/proc/$1/attr/current"
}

@test "selinuxLabel: is the process's, exec's too; --process-label gives another" {
	process /bin/init pause
	background "$ID"
	same "$(label "$(container_pid "$ID")")" "$PROCESS"
	hv exec -d --pid-file "$SCRATCH/pid" "$ID" /bin/init pause </dev/null >/dev/null 2>&1
	same "$(label "$(<"$SCRATCH/pid")")" "$PROCESS"
	hv exec -d --process-label "${PROCESS%c1,c2}c3" --pid-file "$SCRATCH/pid" "$ID" /bin/init pause </dev/null >/dev/null 2>&1
	same "$(label "$(<"$SCRATCH/pid")")" "${PROCESS%c1,c2}c3"
}

@test "mountLabel: on file systems that are made, not on kernel ones and not on binds" {
	config '.linux.mountLabel = $l | .mounts += [{"destination": "/mine", "type": "tmpfs", "source": "tmpfs"},
		{"destination": "/bound", "type": "bind", "source": "/tmp", "options": ["bind"]}]' --arg l "$MOUNT"
	process /bin/init pause
	background "$ID"
	root=/proc/$(container_pid "$ID")/root
	for dir in /mine /dev /dev/shm; do
		same "$(stat -c %C "$root$dir")" "$MOUNT"
	done
	not test "$(stat -c %C "$root/proc")" = "$MOUNT"
	same "$(stat -c %C "$root/bound")" "$(stat -c %C /tmp)"
}

@test "selinuxLabel: the session keyring has it" {
	process /bin/init key-label
	run_ok
	output_is "key-label: $PROCESS"
}

@test "selinuxLabel and mountLabel: unknown ones are refused by name; nothing is left" {
	before=$(snapshot)
	config '.process.selinuxLabel = "no:such:label:s0"'
	try hv create "$ID"
	refused 'process.selinuxLabel.*"no:such:label:s0"'
	config '.process.selinuxLabel = $l | .linux.mountLabel = "no:such:label:s0"' --arg l "$PROCESS"
	try hv create "$ID"
	refused 'mountLabel|mounts'
	machine_unchanged "$before"
	config 'del(.linux.mountLabel)'
	process /bin/init pause
	background "$ID"
	try hv exec --process-label no:such:label:s0 "$ID" /bin/init ids
	status_is 255
	errors_have 'process.selinuxLabel.*"no:such:label:s0"'
}

@test "without labels the process has what the policy says, and features know SELinux" {
	config 'del(.process.selinuxLabel)'
	process /bin/init pause
	background "$ID"
	not test "$(label "$(container_pid "$ID")")" = "$PROCESS"
	same "$(plain features | jq .linux.selinux.enabled)" true
}
