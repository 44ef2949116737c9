# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2154 # names that lib.bash sets
# --vm-console and --vm-log: what the guest's kernel and the machine monitor print.

load lib

setup_test()
{
	only_hvrun
	only_hyperv "there is no machine"
	process /bin/init uname-r
}

@test "the console has the kernel's messages from the beginning, and is its owner's alone" {
	try hv --vm-console console run "$ID"
	status_is 0
	no_errors
	has 'release: .+'
	grep -q 'Linux version' console || fail "no banner of a kernel in the console's file"
	same "$(stat -c %a console)" 600 mode
	not grep -q $'\r' console
	size=$(stat -c %s console)
	try hv --vm-console "$BUNDLE/console" run "$ID"
	status_is 0
	[ "$(stat -c %s console)" -gt "$size" ] || fail "it was not added to"
}

@test "the monitor's log has its command line" {
	try hv --vm-log "$SCRATCH/vmm.log" run "$ID"
	status_is 0
	grep -q "guest=$ID" "$SCRATCH/vmm.log"
	same "$(stat -c %a "$SCRATCH/vmm.log")" 600 mode
}

@test "files that cannot be had are refused, and nothing is left" {
	ln -s /etc/hostname link
	mkfifo fifo
	before=$(snapshot)
	for option in --vm-console --vm-log; do
		for file in link fifo /nowhere/file /; do
			try hv $option "$file" run "$ID"
			status_is 1
			errors_have "$option"
		done
	done
	machine_unchanged "$before"
}
