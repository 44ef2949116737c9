# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2034,SC2153,SC2154 # jq programs, and names that the libraries set and use
# runtime-spec 1.3.0 config-linux.md, "Devices", "Default Devices" and "Allowed Device list".

load spec

device()
{
	config '.linux.devices = [{"path": "/dev/mine", "type": "c", "major": 1, "minor": 5, "fileMode": 438}]'
}

@test "config-linux.md#devices: the devices are there" {
	config '.linux.devices = [{"path": "/dev/mine", "type": "c", "major": 1, "minor": 5, "fileMode": 438, "uid": 3, "gid": 4},
		{"path": "/dev/block", "type": "b", "major": 7, "minor": 200, "fileMode": 384}, {"path": "/dev/unbuffered", "type": "u", "major": 1, "minor": 3},
		{"path": "/dev/pipe", "type": "p", "fileMode": 420}]'
	checks stat /dev/mine /dev/block /dev/unbuffered /dev/pipe , read /dev/mine
	run_ok
	has 'stat /dev/mine: char 0666 3 4 1:5' 'stat /dev/block: block 0600 0 0 7:200' 'stat /dev/unbuffered: char .* 1:3' 'stat /dev/pipe: fifo 0644 0 0'
}

@test "config-linux.md#devices: type is required" {
	device
	required 'linux.devices[0].type'
}

@test "config-linux.md#devices: path is required" {
	device
	required 'linux.devices[0].path'
}

@test "config-linux.md#devices: another file at path is an error" {
	config '.root.readonly = false | .linux.devices = [{"path": "/other/mine", "type": "c", "major": 1, "minor": 5}]'
	mkdir rootfs/other
	echo file >rootfs/other/mine
	invalid /other/mine
	same "$(<rootfs/other/mine)" file
	rm rootfs/other/mine
	mknod rootfs/other/mine c 1 3
	invalid /other/mine
}

@test "config-linux.md#devices: major and minor are required but for a fifo" {
	for number in major minor; do
		device
		config "del(.linux.devices[0].$number)"
		invalid "linux.devices\[0\].*$number"
	done
	config '.linux.devices = [{"path": "/dev/pipe", "type": "p"}]'
	valid
}

@test "config-linux.md#default-devices: they are there" {
	checks stat /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /dev/ptmx
	run_ok
	has 'stat /dev/null: char 0666 0 0 1:3' 'stat /dev/zero: char 0666 0 0 1:5' 'stat /dev/full: char 0666 0 0 1:7' 'stat /dev/random: char 0666 0 0 1:8' \
		'stat /dev/urandom: char 0666 0 0 1:9' 'stat /dev/tty: char 0666 0 0 5:0' 'stat /dev/ptmx: link .* -> pts/ptmx'
}

@test "config-linux.md#allowed-device-list: in the order of the list" {
	# no driver has these numbers: ENXIO says that the rules let it through
	config '.linux.devices = [range(3) | {"path": "/dev/d\(.)", "type": "c", "major": 240, "minor": (70 + .), "fileMode": 438}]
		| .linux.resources.devices = [{"allow": false, "access": "rwm"},
			{"allow": true, "type": "c", "major": 240, "access": "rwm"}, {"allow": false, "type": "c", "major": 240, "minor": 71, "access": "rwm"},
			{"allow": false, "type": "c", "major": 240, "minor": 72, "access": "rwm"}, {"allow": true, "type": "c", "major": 240, "minor": 72, "access": "r"}]'
	# cgroup v1 has no rule that takes one minor from a major that is allowed as a whole, cgroup-v1/devices.rst
	is_hyperv || is_cgroup_v2 || config '.linux.resources.devices[1:3] = [{"allow": true, "type": "c", "major": 240, "minor": 70, "access": "rwm"},
		{"allow": true, "type": "c", "major": 240, "minor": 71, "access": "rwm"}, {"allow": false, "type": "c", "major": 240, "minor": 71, "access": "rwm"}]'
	checks read /dev/d0 /dev/d1 /dev/d2
	run_ok
	has 'read /dev/d0: ENXIO' 'read /dev/d1: EPERM' 'read /dev/d2: ENXIO'
}

@test "config-linux.md#allowed-device-list: allow is required" {
	config '.linux.resources.devices = [{"allow": false, "access": "rwm"}]'
	required 'linux.resources.devices[0].allow'
}
