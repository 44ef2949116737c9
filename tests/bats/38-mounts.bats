# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# mounts add and remove: mounts of a running container.

load lib

setup_test()
{
	mkdir "$SCRATCH/host"
	echo hello >"$SCRATCH/host/file"
	config '.root.readonly = false'
	process /bin/init pause
}

list()
{
	jq -n '$ARGS.positional | map(fromjson)' --args -- "$@" >"$SCRATCH/mounts.json"
}

@test "bind mounts of directories and files, and tmpfs, come and go" {
	only_hvrun
	background "$ID"
	list "{\"destination\": \"/added/dir\", \"type\": \"bind\", \"source\": \"$SCRATCH/host\", \"options\": [\"bind\", \"ro\", \"nosuid\"]}" \
		"{\"destination\": \"/added-file\", \"type\": \"bind\", \"source\": \"$SCRATCH/host/file\", \"options\": [\"bind\"]}" \
		'{"destination": "/added-tmp", "type": "tmpfs", "options": ["size=1m", "noexec"]}'
	try hv mounts add "$ID" "$SCRATCH/mounts.json"
	status_is 0
	no_errors
	try hv exec "$ID" /bin/sh -c 'cat /added/dir/file /added-file; grep /added /proc/self/mounts; echo x >/added/dir/y; echo $?; echo y >/added-tmp/z; cat /added-tmp/z'
	has hello '.* /added/dir .*ro,(.*,)?nosuid.*' 'tmpfs /added-tmp tmpfs .*noexec.*size=1024k.*|.* /added-tmp tmpfs .*noexec.*' 1 y
	not grep -q "$TAG" <(grep /added /proc/self/mountinfo)
	try hv mounts remove "$ID" "$SCRATCH/mounts.json"
	status_is 0
	no_errors
	try hv exec "$ID" /bin/sh -c 'grep -c /added /proc/self/mounts'
	has 0
	try hv mounts remove "$ID" "$SCRATCH/mounts.json"
	refused "nothing is mounted there"
}

@test "a destination leads nowhere but into the container" {
	only_hvrun
	mkdir "$SCRATCH/outside"
	ln -s "$SCRATCH/outside" "$BUNDLE/rootfs/link"
	ln -s /proc/1/root "$BUNDLE/rootfs/magic"
	background "$ID"
	list "{\"destination\": \"/link/../../../x\", \"type\": \"bind\", \"source\": \"$SCRATCH/host\", \"options\": [\"bind\"]}"
	hv mounts add "$ID" "$SCRATCH/mounts.json"
	[ ! -e "$SCRATCH/outside/file" ] && [ ! -e /x ]
	for destination in /magic/y /proc/sys /sys; do
		list "{\"destination\": \"$destination\", \"type\": \"tmpfs\"}"
		try hv mounts add "$ID" "$SCRATCH/mounts.json"
		refused "destination"
	done
}

@test "what cannot be mounted is refused" {
	only_hvrun
	background "$ID"
	for bad in '{"destination": "x", "type": "tmpfs"}' '{"destination": "/x", "type": "proc"}' '{"type": "tmpfs"}' \
		'{"destination": "/tmp", "type": "bind", "source": "/nonexistent", "options": ["bind"]}' \
		'{"destination": "/tmp", "type": "bind", "source": "relative", "options": ["bind"]}'; do
		list "$bad"
		try hv mounts add "$ID" "$SCRATCH/mounts.json"
		refused .
	done
	try hv mounts change "$ID" "$SCRATCH/mounts.json"
	refused "neither add nor remove"
	list '{"destination": "/", "type": "tmpfs"}'
	try hv mounts remove "$ID" "$SCRATCH/mounts.json"
	refused "nothing is mounted"
}

@test "a source is not kept busy once it is removed, and one that could not be mounted is not either" {
	only_hvrun
	mkdir "$SCRATCH/fs"
	mount -t tmpfs tmpfs "$SCRATCH/fs"
	echo inside >"$SCRATCH/fs/file"
	background "$ID"
	for i in 1 2 3; do
		list "{\"destination\": \"/a//b/$i\", \"type\": \"bind\", \"source\": \"$SCRATCH/fs\", \"options\": [\"bind\"]}"
		hv mounts add "$ID" "$SCRATCH/mounts.json"
	done
	list "{\"destination\": \"/proc/x\", \"type\": \"bind\", \"source\": \"$SCRATCH/fs\", \"options\": [\"bind\"]}"
	try hv mounts add "$ID" "$SCRATCH/mounts.json"
	refused .
	try hv exec "$ID" /bin/cat /a/b/1/file /a/b/2/file /a/b/3/file
	output_is "$(printf 'inside\ninside\ninside')"
	list '{"destination": "/a/b/2"}' '{"destination": "/a/b/1"}' '{"destination": "/a/b/3"}'
	hv mounts remove "$ID" "$SCRATCH/mounts.json"
	echo on the host >"$SCRATCH/fs/file"
	for pid in $(test_processes | cut -d' ' -f2 | tr -d :); do
		! grep -F "$SCRATCH/fs" "/proc/$pid/mountinfo" | grep -vF " $SCRATCH/fs " || fail "process $pid has it still"
	done
	umount "$SCRATCH/fs"
}

@test "a read-only source stays so, whatever the container mounts and makes of it" {
	only_hyperv "who may mount may also mount anew"
	only_hvrun
	config '.process.capabilities = {"bounding": ["CAP_SYS_ADMIN"], "effective": ["CAP_SYS_ADMIN"], "permitted": ["CAP_SYS_ADMIN"]}'
	background "$ID"
	list "{\"destination\": \"/ro\", \"type\": \"bind\", \"source\": \"$SCRATCH/host\", \"options\": [\"bind\", \"ro\"]}"
	hv mounts add "$ID" "$SCRATCH/mounts.json"
	try hv exec "$ID" /bin/sh -c '/bin/busybox mount -o remount,bind,rw /ro; echo x >/ro/new'
	[ "$status" != 0 ]
	errors_have "/ro/new: Read-only file system"
	[ ! -e "$SCRATCH/host/new" ]
}
