# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# Layers: hvrun(8), annotation io.hvrun.sandbox. What is expected is the same in both types.

load lib

setup_test()
{
	LAYERS=$SCRATCH/layers
	jq -n --arg dir "$LAYERS" '{sandbox: {dir: $dir}}' >"$SCRATCH/hvrun.json"
	HV=("${PLAIN[@]}" --config-file "$SCRATCH/hvrun.json" --runtime-type "$RUNTIME_TYPE")
	config '.root.readonly = false'
	ROOTFS_BEFORE=$(rootfs_now)
}

rootfs_now()
{
	(cd rootfs && find . -printf '%p %M %U:%G %s %T@ %l\n' | sort)
}

rootfs_unchanged()
{
	same "$(rootfs_now)" "$ROOTFS_BEFORE" "the root file system"
}

# "sandbox KIND [SIZE [KEEP]]"
sandbox()
{
	config '.annotations = ({"io.hvrun.sandbox": $kind, "io.hvrun.sandbox.size": $size, "io.hvrun.sandbox.keep": $keep}
		| with_entries(select(.value != "")))' --arg kind "$1" --arg size "${2-}" --arg keep "${3-}"
}

no_layers()
{
	[ -z "$(ls -A "$LAYERS" 2>/dev/null)" ] || fail "layers are left:" "$(ls -A "$LAYERS")"
}

# Writes of every kind, each of which would show in the directory below.
writes()
{
	process /bin/sh -c 'echo new >/new && echo more >>/etc/passwd && rm -r /var && mkdir /tmp/dir && mv /tmp/dir /tmp/other &&
		chmod 700 /root && ln -s there /link && echo ok; cat /new; ls -d /var; stat -c %a / /root'
	config '.process.args[2] |= gsub("rm "; "/bin/busybox rm ") | .process.args[2] |= gsub("mv "; "/bin/busybox mv ")
		| .process.args[2] |= gsub("chmod "; "/bin/busybox chmod ") | .process.args[2] |= gsub("ln "; "/bin/busybox ln ")
		| .process.args[2] |= gsub("stat "; "/bin/busybox stat ")'
}

check_writes()
{
	sandbox "$@"
	writes
	run_ok
	has ok new 755 700
	errors_have "/var: No such file"
	rootfs_unchanged && no_layers
}

@test "what a container writes goes to its layer: on disk" {
	only_hvrun
	check_writes overlay
}

@test "what a container writes goes to its layer: on disk, of a given size" {
	only_hvrun
	check_writes overlay 32M
}

@test "what a container writes goes to its layer: in memory" {
	only_hvrun
	check_writes memory
	check_writes memory 4M
}

@test "two containers from one root file system, at the same time" {
	only_hvrun
	sandbox overlay
	process /bin/init pause
	background "$ID"
	background "$ID-2"
	try hv exec "$ID" /bin/sh -c 'echo one >/file'
	status_is 0
	try hv exec "$ID-2" /bin/sh -c 'cat /file; echo two >/file; cat /file'
	output_is two
	try hv exec "$ID" cat /file
	output_is one
	hv delete -f "$ID"
	hv delete -f "$ID-2"
	rootfs_unchanged && no_layers
}

@test "the size is a limit" {
	only_hvrun
	process /bin/sh -c 'cat /dev/zero >/fill; echo $?'
	sandbox overlay 16M
	try hv run "$ID"
	has 1
	errors_have "no space left"
	sandbox memory 1M
	try hv run "$ID"
	has 1
	errors_have "no space left"
	rootfs_unchanged && no_layers
}

@test "root.readonly: nothing can be written, mount points are made all the same" {
	only_hvrun
	mkdir "$SCRATCH/volume"
	config '.root.readonly = true | .mounts += [{destination: "/deep/er", type: "bind", source: $v, options: ["bind"]}]' \
		--arg v "$SCRATCH/volume"
	sandbox overlay
	checks write /new /etc/passwd /deep/er/file
	run_ok
	has 'write /new: EROFS' 'write /etc/passwd: EROFS' 'write /deep/er/file: ok'
	[ ! -e rootfs/deep ] && [ -f "$SCRATCH/volume/file" ]
	rootfs_unchanged && no_layers
}

@test "a layer that is kept is the next container's with this ID" {
	only_hvrun
	for size in "" 32M; do
		sandbox overlay "$size" true
		process /bin/sh -c 'echo kept >/file'
		run_ok
		[ -d "$LAYERS/$ID" ] && [ ! -e "$LAYERS/$ID/user" ]
		process cat /file
		run_ok
		output_is kept
		sandbox overlay "$size"
		try hv run "$ID"
		status_is 1
		rm -r "$LAYERS/$ID"
		no_layers
	done
	rootfs_unchanged
}

@test "a kept layer is one container's at a time" {
	only_hvrun
	sandbox overlay "" true
	process /bin/init pause
	background "$ID"
	mkdir "$SCRATCH/other"
	try "$HVRUN" --root "$SCRATCH/other" --vm-accel "$VM_ACCEL" --config-file "$SCRATCH/hvrun.json" --runtime-type "$RUNTIME_TYPE" run "$ID"
	refused "layers/$ID: it is in use by the container $ROOT/$ID"
	[ -z "$(ls -A "$SCRATCH/other")" ]
	hv delete -f "$ID"
	[ -d "$LAYERS/$ID" ]
}

@test "a user namespace" {
	only_hvrun
	config '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
		| .linux.gidMappings = .linux.uidMappings'
	chown -R 100000:100000 rootfs
	ROOTFS_BEFORE=$(rootfs_now)
	for kind in overlay memory; do
		sandbox "$kind"
		checks write /new /etc/passwd , stat / /new
		run_ok
		has 'write /new: ok' 'write /etc/passwd: ok' 'stat /: dir 0755 0 0' 'stat /new: .* 0 0'
	done
	rootfs_unchanged && no_layers
}

@test "values that cannot be" {
	only_hvrun
	sandbox somewhere
	try hv run "$ID"
	refused 'io.hvrun.sandbox: "somewhere" is not a valid value \(none, overlay, memory\)'
	sandbox overlay large
	try hv run "$ID"
	refused 'io.hvrun.sandbox.size: "large" is not a size'
	sandbox overlay 1M
	try hv run "$ID"
	refused 'io.hvrun.sandbox.size: "1M" is too small, at least 16M'
	sandbox none 32M
	try hv run "$ID"
	refused 'io.hvrun.sandbox.size: needs io.hvrun.sandbox to be "overlay" or "memory"'
	sandbox memory "" true
	try hv run "$ID"
	refused 'io.hvrun.sandbox.keep: what is in memory cannot be kept'
	sandbox overlay "" maybe
	try hv run "$ID"
	refused 'io.hvrun.sandbox.keep: "maybe" is not a valid value'
	rootfs_unchanged && no_layers
}

@test "the operator's limit is the limit" {
	only_hvrun
	jq '.sandbox.size = "16M"' "$SCRATCH/hvrun.json" >"$SCRATCH/new" && mv "$SCRATCH/new" "$SCRATCH/hvrun.json"
	sandbox overlay 32M
	try hv run "$ID"
	refused 'io.hvrun.sandbox.size: "32M" is more than the 16777216 bytes that sandbox.size'
	sandbox overlay
	process /bin/sh -c 'cat /dev/zero >/fill; echo $?'
	try hv run "$ID"
	has 1
	no_layers
}

@test "sandbox.size in the configuration file is the limit of a layer in memory, too" {
	only_hvrun
	jq '.sandbox.size = "16M"' "$SCRATCH/hvrun.json" >"$SCRATCH/new" && mv "$SCRATCH/new" "$SCRATCH/hvrun.json"
	sandbox memory
	process /bin/sh -c '/bin/busybox dd if=/dev/zero of=/fill bs=1M count=20 2>&1; /bin/busybox stat -c %s /fill'
	run_ok
	has '.*No space left.*'
	[ "$(tail -n 1 <<<"$output")" -le 16777216 ]
	rootfs_unchanged && no_layers
}

@test "a create that fails leaves no layer, kept or not" {
	only_hvrun
	process /bin/init exit 0
	config '.hooks.createRuntime = [{path: "/bin/false"}]'
	for keep in "" true; do
		sandbox overlay "" "$keep"
		try hv create "$ID"
		status_is 1
		no_layers
	done
	touch "$SCRATCH/file"
	jq -n --arg dir "$SCRATCH/file/layers" '{sandbox: {dir: $dir}}' >"$SCRATCH/hvrun.json"
	try hv create "$ID"
	refused "mkdir $SCRATCH/file/layers: Not a directory"
	rootfs_unchanged
}

@test "where the host has no room left a write is an error, and the container goes on" {
	only_hvrun
	mkdir "$LAYERS"
	mount -t tmpfs -o size=24m tmpfs "$LAYERS"
	sandbox overlay 64M
	process /bin/sh -c '/bin/busybox dd if=/dev/zero of=/fill bs=1M count=40 conv=fsync; echo "dd $?"; echo goes on'
	try hv run "$ID"
	umount "$LAYERS"
	has 'dd 1' 'goes on'
	errors_have "Input/output error|I/O error|No space left"
	rmdir "$LAYERS"
	rootfs_unchanged
}

@test "delete after kill -9 of the container's process" {
	only_hvrun
	sandbox overlay 16M
	process /bin/init pause
	background "$ID"
	kill -9 "$(container_pid "$ID")"
	eventually is_state "$ID" stopped
	hv delete "$ID"
	no_layers
	[ -z "$(losetup -n -O BACK-FILE | grep -F "$LAYERS")" ]
}
