# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# /dev: the default devices, those of linux.devices, and what the device rules allow.

load lib

@test "default devices and links" {
	checks stat /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /dev/ptmx /dev/fd /dev/stdin /dev/stdout /dev/stderr \
		/dev/core , list /dev
	run_ok
	has 'stat /dev/null: char 0666 0 0 1:3' 'stat /dev/zero: char 0666 0 0 1:5' 'stat /dev/full: char 0666 0 0 1:7' \
		'stat /dev/random: char 0666 0 0 1:8' 'stat /dev/urandom: char 0666 0 0 1:9' 'stat /dev/tty: char 0666 0 0 5:0' \
		'stat /dev/ptmx: link .* -> pts/ptmx' 'stat /dev/fd: link .* -> /proc/self/fd' 'stat /dev/stdin: link .* -> /proc/self/fd/0' \
		'stat /dev/stdout: link .* -> /proc/self/fd/1' 'stat /dev/stderr: link .* -> /proc/self/fd/2'
	lacks 'entry /dev: (vda|sda|mem|kmsg|kvm|vport.*|hvc.*)'
}

@test "default devices work" {
	process /bin/sh -c 'echo gone >/dev/null; /bin/init read /dev/zero /dev/urandom; /bin/init write /dev/full /dev/null; /bin/init read /dev/null'
	run_ok
	has 'read /dev/zero: 4095 bytes, ' 'read /dev/urandom: 4095 bytes, .*' 'write /dev/full: ENOSPC' 'write /dev/null: ok' \
		'read /dev/null: 0 bytes, '
}

@test "linux.devices: type, numbers, mode, owner" {
	config '.root.readonly = false | .linux.devices = [
		{"path": "/dev/mine", "type": "c", "major": 1, "minor": 3, "fileMode": 384, "uid": 1000, "gid": 2000},
		{"path": "/dev/below/block", "type": "b", "major": 7, "minor": 200},
		{"path": "/dev/pipe", "type": "p", "fileMode": 432}]'
	checks stat /dev/mine /dev/below/block /dev/pipe
	run_ok
	has 'stat /dev/mine: char 0600 1000 2000 1:3' 'stat /dev/below/block: block .* 0 0 7:200' 'stat /dev/pipe: fifo 0660 0 0'
}

@test "linux.devices: /dev/ptmx is the container's own, whatever the host has there" {
	config '.linux.devices = [{"path": "/dev/ptmx", "type": "c", "major": 5, "minor": 2, "fileMode": 438},
		{"path": "/dev/mine", "type": "c", "major": 1, "minor": 3}]'
	checks stat /dev/ptmx /dev/mine
	run_ok
	has 'stat /dev/ptmx: link .* -> pts/ptmx' 'stat /dev/mine: char .* 1:3'
}

@test "linux.devices: a mode may have the file's type, as podman writes it" {
	config '.linux.devices = [{"path": "/dev/mine", "type": "c", "major": 1, "minor": 3, "fileMode": 8576}]'
	checks stat /dev/mine
	run_ok
	has 'stat /dev/mine: char 0600 0 0 1:3'
}

@test "linux.devices outside of /dev" {
	not_hyperv "QEMU 7.2's 9p server makes no device nodes"
	config '.root.readonly = false | .linux.devices = [{"path": "/elsewhere/zero", "type": "c", "major": 1, "minor": 5, "fileMode": 438}]'
	checks stat /elsewhere/zero
	run_ok
	has 'stat /elsewhere/zero: char 0666 0 0 1:5'
}

@test "a device that is there by default may be named again" {
	config '.linux.devices = [{"path": "/dev/tty", "type": "c", "major": 5, "minor": 0}]'
	checks stat /dev/tty /dev/null
	run_ok
	has 'stat /dev/tty: char .* 5:0' 'stat /dev/null: char .* 1:3'
	only_hvrun
	config '.linux.devices += [{"path": "/dev/null", "type": "c", "major": 1, "minor": 3}]'
	checks stat /dev/null , write /dev/null
	run_ok
	has 'stat /dev/null: char .* 1:3' 'write /dev/null: ok'
}

@test "the rules: nothing but the default devices, and what is allowed" {
	config '.root.readonly = false
		| .linux.devices = [{"path": "/dev/allowed", "type": "c", "major": 240, "minor": 77, "fileMode": 438}, {"path": "/dev/denied", "type": "c", "major": 240, "minor": 78, "fileMode": 438}]
		| .linux.resources.devices = [{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 240, "minor": 77, "access": "r"}]
		| .process.capabilities.bounding += ["CAP_MKNOD"] | .process.capabilities.effective += ["CAP_MKNOD"] | .process.capabilities.permitted += ["CAP_MKNOD"]'
	checks read /dev/allowed /dev/denied , write /dev/allowed /dev/null , mknod /dev/node
	run_ok
	# no driver has the number: ENXIO says that the rules let it through
	has 'read /dev/allowed: ENXIO' 'read /dev/denied: EPERM' 'write /dev/allowed: EPERM' 'write /dev/null: ok' 'mknod /dev/node: ok'
}

@test "wrong devices are refused" {
	only_hvrun
	before=$(snapshot)
	config '.linux.devices = [{"path": "/dev/x", "type": "z", "major": 1, "minor": 1}]'
	try hv run "$ID"
	status_is 1
	errors_have "type|device"
	config '.linux.devices = [{"type": "c", "major": 1, "minor": 1}]'
	try hv run "$ID"
	status_is 1
	machine_unchanged "$before"
}
