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
	not_hyperv "what a machine shares is fixed when it starts"
	background "$ID"
	list "{\"destination\": \"/added/dir\", \"type\": \"bind\", \"source\": \"$SCRATCH/host\", \"options\": [\"bind\", \"ro\", \"nosuid\"]}" \
		"{\"destination\": \"/added-file\", \"type\": \"bind\", \"source\": \"$SCRATCH/host/file\", \"options\": [\"bind\"]}" \
		'{"destination": "/added-tmp", "type": "tmpfs", "options": ["size=1m", "noexec"]}'
	try hv mounts add "$ID" "$SCRATCH/mounts.json"
	status_is 0
	no_errors
	try hv exec "$ID" /bin/sh -c 'cat /added/dir/file /added-file; grep /added /proc/self/mounts; echo x >/added/dir/y; echo $?; echo y >/added-tmp/z; cat /added-tmp/z'
	has hello '.* /added/dir .*ro,nosuid.*' 'tmpfs /added-tmp tmpfs .*noexec.*size=1024k.*|.* /added-tmp tmpfs .*noexec.*' 1 y
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
	not_hyperv "what a machine shares is fixed when it starts"
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
	not_hyperv "what a machine shares is fixed when it starts"
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

@test "a machine's mounts are fixed, and it says so" {
	only_hvrun
	only_hyperv "mounts can be added"
	background "$ID"
	list '{"destination": "/tmp", "type": "tmpfs"}'
	try hv mounts add "$ID" "$SCRATCH/mounts.json"
	refused "HyperV" "machine"
}
