# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016,SC2154 # jq programs, and names that lib.bash sets
# An image and what can run it: its annotations, else the program that the bundle runs, against the host's kernel and the guests'.

load lib

setup_test()
{
	only_hvrun
	process /bin/init uname-r
	SETTINGS=$SCRATCH/hvrun.json
	# a guest for another machine, and one that says it is newer than any kernel
	jq -n --arg k "${HVRUN%/*}/guest/vmlinux" --arg i "${HVRUN%/*}/guest/initramfs.img" '{os_features: ["zfs"], hyperv: {guests: [
		{name: "mainframe", architecture: "s390x", kernel: $k, initrd: $i, accel: "tcg"},
		{name: "future", kernel: $k, initrd: $i, release: "99.0", features: ["antigravity"]}]}}' >"$SETTINGS"
}

image()
{
	config '.annotations["org.opencontainers.image." + $key] = $value' --arg key "$1" --arg value "$2"
}

# The beginning of a program for s390x, as /bin/$1: big-endian, machine 22.
foreign_program()
{
	printf '\x7fELF\x02\x02\x01\0\0\0\0\0\0\0\0\0\0\x02\0\x16\0\0\0\x01%040d' 0 >"rootfs/bin/$1"
	chmod 755 "rootfs/bin/$1"
}

as()
{
	local type=$1
	shift
	try plain --config-file "$SETTINGS" --runtime-type "$type" "$@"
}

@test "an image for this machine runs in either type" {
	image os linux
	case $(uname -m) in
	x86_64) image architecture amd64 ;;
	aarch64) image architecture arm64 ;;
	esac
	image os.version 2.6.32
	image os.features zfs
	! is_hyperv || config 'del(.annotations["org.opencontainers.image.os.features"])'
	as "$RUNTIME_TYPE" run "$ID"
	status_is 0
}

@test "another architecture is refused, and the message says what would run it" {
	before=$(snapshot)
	image architecture s390x
	try hv run "$ID"
	refused "the image is for linux/s390x" "HyperV with a guest for it would run it"
	as Default run "$ID"
	refused "the image is for linux/s390x, the host is linux/$(uname -m)" 'HyperV can run it with guest "mainframe"'
	# the guest is chosen by itself; this one has no machine
	for type in HyperV Auto; do
		as $type run "$ID"
		refused "no machine s390x"
	done
	image architecture vax
	as Auto run "$ID"
	refused "linux/vax"
	machine_unchanged "$before"
}

@test "without annotations the program tells, also behind a script, but not one that a mount hides" {
	before=$(snapshot)
	foreign_program foreign
	printf '#! /bin/foreign -x\n' >rootfs/bin/script
	ln -s /bin/../../bin/script rootfs/bin/link
	chmod 755 rootfs/bin/script
	for program in /bin/foreign foreign /bin/script link; do
		process "$program"
		as Default run "$ID"
		refused "the image is for linux/s390x" 'guest "mainframe"'
	done
	config '.process.cwd = "/bin"'
	process ./foreign
	as Default run "$ID"
	refused "the image is for linux/s390x"
	machine_unchanged "$before"
	# the annotation is the image's own word
	case $(uname -m) in
	x86_64) image architecture amd64 ;;
	*) image architecture arm64 ;;
	esac
	as Default create "$ID"
	status_is 0
	hv delete -f "$ID"
	config 'del(.annotations)'
	# what is mounted there runs here
	process /bin/foreign uname-r
	config '.mounts += [{"destination": "/bin/foreign", "type": "bind", "source": $source, "options": ["bind", "ro"]}]' --arg source "$INIT"
	try hv run "$ID"
	status_is 0
	has 'release: .+'
}

@test "what is no regular file is not even opened" {
	mkfifo rootfs/bin/pipe
	process /bin/pipe
	try hv run "$ID"
	not [ "$status" = 0 ]
	ln -s loop rootfs/bin/loop
	process /bin/loop
	try hv run "$ID"
	not [ "$status" = 0 ]
}

@test "a newer kernel than the host's: HyperV with a guest that has it" {
	before=$(snapshot)
	image os.version 90.1
	as Default run "$ID"
	refused "the image needs kernel 90.1.0 or newer, the host has" 'HyperV can run it with guest "future"'
	machine_unchanged "$before"
	! is_hyperv || {
		as Auto run "$ID"
		status_is 0
		has 'release: .+'
		not has "release: $(uname -r)"
	}
	image os.version 100.0
	as Auto run "$ID"
	refused "the image needs kernel 100.0.0 or newer"
}

@test "features that the configuration file does not promise are refused" {
	before=$(snapshot)
	image os.features zfs,antigravity
	as Default run "$ID"
	refused 'feature "antigravity"' os_features
	as HyperV run "$ID"
	refused 'feature' hyperv.guests
	image os.features antigravity
	as Default run "$ID"
	refused 'feature "antigravity"' 'HyperV can run it with guest "future"'
	machine_unchanged "$before"
}

@test "another operating system is refused" {
	image os windows
	for type in Default HyperV Auto; do
		as $type run "$ID"
		refused "the image is for windows"
	done
}
