# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2016,SC2034,SC2153,SC2154 # jq programs, and names that lib.bash sets or reads
# Members of a pod that have disks of their own: in type HyperV they come into a machine that runs, and leave it. What can be asked for, and what comes of it,
# is as in 44-layers and 51-disks.

load lib
load pods
load disks

setup_test()
{
	LAYERS=$SCRATCH/layers
	settings '{}'
	PLAIN+=(--config-file "$SCRATCH/hvrun.json")
	HV=("${PLAIN[@]}" --runtime-type "$RUNTIME_TYPE")
	setup_pod
}

# "settings HYPERV-SETTINGS"
settings()
{
	jq -n --arg dir "$LAYERS" --argjson hyperv "$1" '{sandbox: {dir: $dir}, hyperv: $hyperv}' >"$SCRATCH/hvrun.json"
}

# "layer NAME [SIZE [KEEP]]"
layer()
{
	config_of "$SCRATCH/$1" '.root.readonly = false | .annotations += ({"io.hvrun.sandbox": "overlay", "io.hvrun.sandbox.size": $size,
		"io.hvrun.sandbox.keep": $keep} | with_entries(select(.value != "")))' --arg size "${2-}" --arg keep "${3-}"
}

no_layers()
{
	[ -z "$(ls -A "$LAYERS" 2>/dev/null)" ] || fail "layers are left:" "$(ls -A "$LAYERS")"
}

# "mount_add NAME TYPE SOURCE [OPTION...]"
mount_add()
{
	config_of "$SCRATCH/$1" '.mounts += [{destination: "/mnt", type: $type, source: $source, options: $ARGS.positional}]' --arg type "$2" \
		--arg source "$3" --args -- "${@:4}"
}

# "allow NAME ACCESS [JQ-PROGRAM]": the block device; $major and $minor are its numbers
allow()
{
	config_of "$SCRATCH/$1" '.linux.resources.devices += [{allow: true, type: "b", major: ($major | tonumber), minor: ($minor | tonumber), access: $access}]
		| '"${3-.}" --arg major "${NUMBERS% *}" --arg minor "${NUMBERS#* }" --arg access "$2"
}

# A member that is asked what is in /mnt/file and to write /mnt/new: "probe NAME"
probe()
{
	member "$1" /bin/init all read /mnt/file , write TEXT=fromcontainer /mnt/new
}

# Nothing of the pod's machine has the file open.
not_open()
{
	local fd pid
	for pid in $(test_processes | cut -d' ' -f2 | tr -d :); do
		for fd in "/proc/$pid/fd"/*; do
			[ "$(stat -L -c %d:%i "$fd" 2>/dev/null)" != "$(stat -c %d:%i "$1")" ] || { fail "process $pid has $1 open"; return 1; }
		done
	done
}

# The numbers of files that the virtual machine has open.
n_open()
{
	find "/proc/$(pgrep -P "$(container_pid "$POD")")/fd" | wc -l
}

@test "a member's layer on disk: what it writes is its own, and gone with it" {
	sandbox
	member a /bin/sh -c 'echo new >/file && rm -r /var && ls -d /var; cat /file; echo ready:; exec /bin/init pause'
	config_of "$SCRATCH/a" '.process.args[2] |= sub("rm "; "/bin/busybox rm ")'
	layer a
	before=$(cd "$SCRATCH/a/rootfs" && find . -printf '%p %M %U:%G %s %T@ %l\n' | sort)
	start_member a
	same "$(grep -v ready: "$SCRATCH/a.out")" new
	# another one of the same root file system, while the first runs
	member b /bin/sh -c 'cat /file; ls -d /var; echo b >/file; cat /file'
	layer b
	config_of "$SCRATCH/b" '.root.path = $root' --arg root "$SCRATCH/a/rootfs"
	run_member b
	output_is "$(printf '%s\n' /var b)"
	try hv exec "$POD-a" /bin/cat /file
	output_is new
	hv delete -f "$POD-a"
	same "$(cd "$SCRATCH/a/rootfs" && find . -printf '%p %M %U:%G %s %T@ %l\n' | sort)" "$before" "the root file system"
	no_layers
	# with the same id again: nothing of the first is left, in the guest neither
	start_member a
	same "$(grep -v ready: "$SCRATCH/a.out")" new
}

@test "a member's layer on disk: its size is a limit" {
	sandbox
	member a /bin/sh -c 'cat /dev/zero >/fill; echo "full $?"; /bin/busybox rm /fill; echo x >/x && echo again'
	layer a 32M
	run_member a
	status_is 0
	has 'full 1' again
	no_layers
}

@test "a member's layer that is kept is there for the next" {
	sandbox
	for text in one two three; do
		member a /bin/sh -c 'cat /file 2>/dev/null; echo $TEXT >>/file'
		config_of "$SCRATCH/a" '.process.env += ["TEXT=" + $text]' --arg text "$text"
		layer a 32M true
		run_member a
		status_is 0
	done
	output_is "$(printf '%s\n' one two)"
	[ -d "$LAYERS/$POD-a" ] || fail "the layer has not been kept"
}

@test "a member's file systems on block devices: read-write and read-only" {
	data_image
	loop
	sandbox
	probe a
	allow a rw
	mount_add a ext4 "$LOOP"
	run_member a
	status_is 0
	has 'read /mnt/file: 7 bytes, inside' 'write /mnt/new: ok'
	debugfs -R 'cat /new' "$SCRATCH/data.img" 2>/dev/null | grep -q fromcontainer
	probe b
	allow b r
	mount_add b ext4 "$LOOP" ro
	run_member b
	status_is 0
	has 'read /mnt/file: 7 bytes, inside' 'write /mnt/new: EROFS'
	! is_hyperv || not_open "$LOOP"
}

read_superblock='/bin/busybox dd if=/dev/data bs=1 skip=1080 count=2 2>/dev/null | /bin/busybox od -An -tx2'

@test "a member's block devices: among linux.devices, to write and to read alone, and as a bind mount" {
	local device='.linux.devices += [{path: "/dev/data", type: "b", major: ($major | tonumber), minor: ($minor | tonumber)}]'
	data_image
	loop
	sandbox
	member a /bin/sh -c "$read_superblock; echo written | /bin/busybox dd of=/dev/data conv=notrunc,fsync 2>/dev/null; echo \$?"
	allow a rwm "$device"
	run_member a
	status_is 0
	has ' ef53' 0
	eventually sh -c 'head -c 7 "$1" | grep -q written' - "$SCRATCH/data.img"
	member b /bin/sh -c "$read_superblock; echo changed | /bin/busybox dd of=/dev/data conv=notrunc 2>/dev/null; echo \$?"
	allow b r "$device"
	run_member b
	has ' ef53' 1
	not grep -q changed "$SCRATCH/data.img"
	member c /bin/sh -c "$read_superblock"
	allow c rw
	config_of "$SCRATCH/c" '.mounts += [{destination: "/dev/data", type: "bind", source: $loop, options: ["bind"]}]' --arg loop "$LOOP"
	run_member c
	has ' ef53'
}

@test "HyperV: a member's images: raw and qcow2, and what is read-only is so on the host" {
	only_hyperv "no kernel mounts a file"
	data_image
	to_qcow2 "$SCRATCH/data.img" "$SCRATCH/data.qcow2"
	sandbox
	probe a
	mount_add a ext4 "$SCRATCH/data.qcow2" x-hvrun.format=qcow2
	run_member a
	status_is 0
	has 'read /mnt/file: 7 bytes, inside' 'write /mnt/new: ok'
	local before
	before=$(sha256sum "$SCRATCH/data.img")
	member b /bin/init pause
	mount_add b ext4 "$SCRATCH/data.img" ro
	start_member b
	try hv exec "$POD-b" cat /mnt/file
	output_is inside
	local fd pid modes
	pid=$(pgrep -P "$(container_pid "$POD")")
	modes=$(for fd in "/proc/$pid/fd"/*; do
		[ "$(stat -L -c %d:%i "$fd" 2>/dev/null)" != "$(stat -c %d:%i "$SCRATCH/data.img")" ] || sed -n 's/^flags:.*\(.\)$/\1/p' "/proc/$pid/fdinfo/${fd##*/}"
	done | sort -u)
	same "$modes" 0 "access mode of the machine's descriptors"
	# somebody else's, as long as it is there
	probe c
	mount_add c ext4 "$SCRATCH/data.qcow2" x-hvrun.format=qcow2 ro
	run_member c
	has 'read /mnt/file: 7 bytes, inside' 'write /mnt/new: EROFS'
	hv delete -f "$POD-b"
	not_open "$SCRATCH/data.img"
	not_open "$SCRATCH/data.qcow2"
	same "$(sha256sum "$SCRATCH/data.img")" "$before" "the image"
}

@test "HyperV: a member's root file system is an image, written or under a layer" {
	only_hyperv "an image needs a virtual machine"
	sandbox
	member a /bin/init all read /etc/group , write TEXT=fromcontainer /new
	image "$SCRATCH/root.img" 64M "$SCRATCH/a/rootfs"
	config_of "$SCRATCH/a" '.root = {path: $image, readonly: false} | .annotations["io.hvrun.rootfs.type"] = "ext4"' --arg image "$SCRATCH/root.img"
	run_member a
	has 'write /new: ok'
	debugfs -R 'cat /new' "$SCRATCH/root.img" 2>/dev/null | grep -q fromcontainer
	local before
	before=$(sha256sum "$SCRATCH/root.img")
	layer a
	config_of "$SCRATCH/a" '.process.args = ["/bin/init", "all", "write", "/again", ",", "read", "/new"]'
	run_member a
	has 'write /again: ok' 'read /new: 13 bytes, fromcontainer'
	config_of "$SCRATCH/a" '.root.readonly = true | del(.annotations["io.hvrun.sandbox"])'
	run_member a
	has 'write /again: EROFS'
	same "$(sha256sum "$SCRATCH/root.img")" "$before" "the image"
}

@test "HyperV: a disk is the next one's when its member has gone, however that was" {
	only_hyperv "there is no machine"
	settings '{"spare_disks": 1, "spare_readonly_disks": 0}'
	sandbox
	member a /bin/sh -c 'echo a >/file; echo ready:; exec /bin/init pause'
	member b /bin/sh -c 'ls /file 2>/dev/null; echo b >/file && echo done'
	layer a
	layer b
	start_member a
	before=$(snapshot)
	run_member b
	refused 'annotation io.hvrun.sandbox: the virtual machine of the pod sandbox .* has no spare disk left for writing \(of 1\): hyperv.spare_disks in the configuration file'
	machine_unchanged "$before"
	hv delete -f "$POD-a"
	local n
	n=$(n_open)
	for _ in 1 2 3; do
		run_member b
		output_is done
	done
	# its process ends
	start_member a
	hv kill "$POD-a" KILL
	eventually exited "$POD-a"
	run_member b
	output_is done
	hv delete "$POD-a"
	# its worker is killed
	start_member a
	kill -KILL "$(container_pid "$POD-a")"
	eventually exited "$POD-a"
	hv delete "$POD-a"
	run_member b
	output_is done
	# it cannot be made, in the guest or on the host
	config_of "$SCRATCH/a" '.process.cwd = "/bin/init/x"'
	run_member a
	status_is 1
	run_member b
	output_is done
	config_of "$SCRATCH/a" '.process.cwd = "/" | .hooks.createRuntime = [{path: "/bin/false"}]'
	run_member a
	status_is 1
	run_member b
	output_is done
	no_layers
	same "$(n_open)" "$n" "open files of the virtual machine"
}

@test "HyperV: a disk is the next one's though another member has files of the first open" {
	only_hyperv "there is no machine"
	settings '{"spare_disks": 1}'
	sandbox
	member a /bin/sh -c 'echo a >/held; echo ready:; exec sleep 4321'
	layer a
	share_pids a
	member b /bin/sh -c 'for p in /proc/[0-9]*; do if [ -e "$p/root/held" ]; then exec 3<"$p/root/held"; fi; done; read -r x <&3; echo "$x"; echo ready:; exec sleep 1000'
	share_pids b
	start_member a
	start_member b
	same "$(grep -v ready: "$SCRATCH/b.out")" a
	hv delete -f "$POD-a"
	no_layers
	member c /bin/sh -c 'ls /held 2>/dev/null; echo c >/held; cat /held'
	layer c
	for _ in 1 2; do
		run_member c
		output_is c
	done
	is_state "$POD-b" running
	hv exec "$POD-b" /bin/true
}

@test "HyperV: of spare disks for reading there are others, and without any it says so" {
	only_hyperv "there is no machine"
	data_image
	settings '{"spare_disks": 0, "spare_readonly_disks": 2}'
	sandbox
	member a /bin/init exit 0
	layer a
	run_member a
	refused 'annotation io.hvrun.sandbox: the virtual machine of the pod sandbox .* has no spare disk left for writing \(of 0\): hyperv.spare_disks in'
	member b /bin/init pause
	mount_add b ext4 "$SCRATCH/data.img" ro
	config_of "$SCRATCH/b" '.mounts += [.mounts[-1] | .destination = "/mnt2"]'
	start_member b
	probe c
	mount_add c ext4 "$SCRATCH/data.img" ro
	run_member c
	refused 'mounts\[[0-9]+\].source: .* has no spare disk left for reading alone \(of 2\): hyperv.spare_readonly_disks in'
}

@test "HyperV: a machine with members that is no sandbox's, as podman's are, has no disks for them" {
	only_hyperv "there is no machine"
	config '.annotations["io.container.manager"] = "libpod"'
	background "$POD"
	POD_PID=$(container_pid "$POD") MARK=mark_crio
	member a /bin/init exit 0
	config_of "$SCRATCH/a" '.annotations["io.container.manager"] = "libpod"'
	layer a
	before=$(snapshot)
	run_member a
	refused "annotation io.hvrun.sandbox: the virtual machine of container \"$POD\" has no spare disks, .*: \"memory\" is possible"
	machine_unchanged "$before"
	no_layers
}

@test "HyperV: machines that are booted, and one with a disk of its own, have them as well" {
	only_hyperv "there is no machine"
	data_image
	settings '{"template": false}'
	sandbox '.mounts += [{destination: "/mnt", type: "ext4", source: $image, options: ["ro"]}]' --arg image "$SCRATCH/data.img"
	member a /bin/sh -c 'echo a >/file; cat /file /mnt/file'
	layer a
	mount_add a ext4 "$SCRATCH/data.img" ro
	run_member a
	output_is "$(printf '%s\n' a inside)"
	try hv exec "$POD" cat /mnt/file
	output_is inside
}

@test "HyperV: members with disks, several at a time, and the sandbox deleted under them" {
	only_hyperv "members have pid namespaces of their own and live on"
	before=$(snapshot)
	sandbox
	for name in a b c; do
		member "$name" /bin/sh -c 'echo $0 >/file; echo ready:; exec /bin/init pause' "$name"
		layer "$name" 16M
	done
	for name in a b c; do
		start_member "$name" "" &
	done
	wait
	for name in a b c; do
		eventually file_has "$SCRATCH/$name.out" ready:
		try hv exec "$POD-$name" cat /file
		output_is "$name"
	done
	hv delete -f "$POD"
	for name in a b c; do
		eventually exited "$POD-$name"
		hv delete "$POD-$name"
	done
	no_layers
	machine_unchanged "$before"
}
