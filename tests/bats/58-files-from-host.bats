# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# The container's files for who joins the mount namespace of its process on the host, as podman cp does. In type HyperV that process is the worker, whose own
# files are those of the jail.

load lib

setup_test()
{
	mkdir "$SCRATCH/volume"
	echo "of the volume" >"$SCRATCH/volume/file"
	config '.root.readonly = false | .mounts += [
		{destination: "/volume", type: "bind", source: ($s + "/volume"), options: ["bind"]},
		{destination: "/volume-ro", type: "bind", source: ($s + "/volume"), options: ["bind", "ro"]},
		{destination: "/memory", type: "tmpfs", source: "tmpfs"}]' --arg s "$SCRATCH"
}

running()
{
	process /bin/init pause
	background "$ID"
	PID=$(container_pid "$ID")
}

from_host()
{
	try "$BATS_TEST_DIRNAME/helpers/join-mounts" "${1-}" "${@:2}"
}

@test "the root file system and volumes are there, and what is written is seen inside" {
	running
	from_host "$PID" read /etc/passwd
	status_is 0
	same "$output" "$(<"$BUNDLE/rootfs/etc/passwd")"
	from_host "$PID" write /tmp/new "from the host"
	status_is 0
	from_host "$PID" read /volume/file
	output_is "of the volume"
	from_host "$PID" write /volume/new "also from the host"
	status_is 0
	try hv exec "$ID" cat /tmp/new /volume/new
	output_is "from the hostalso from the host"
	hv exec "$ID" sh -c 'echo "from inside" >/root/made'
	from_host "$PID" read /root/made
	output_is "from inside"
}

@test "what is read-only is so from there" {
	config '.root.readonly = true'
	running
	from_host "$PID" write /etc/new text
	errors_have EROFS
	from_host "$PID" write /volume-ro/new text
	errors_have EROFS
	[ ! -e "$BUNDLE/rootfs/etc/new" ]
	[ ! -e "$SCRATCH/volume/new" ]
}

@test "HyperV: what only the guest has is an empty directory, not what it covers" {
	only_hyperv "all that the container has is the host's"
	mkdir "$BUNDLE/rootfs/memory"
	echo covered >"$BUNDLE/rootfs/memory/covered"
	running
	for dir in /memory /proc /sys /dev; do
		from_host "$PID" list "$dir"
		status_is 0
		output_is ""
		from_host "$PID" write "$dir/new" text
		status_is 1
		errors_have EROFS
	done
	same "$(ls "$BUNDLE/rootfs/memory")" covered
}

@test "a destination that is a link stays inside, and a volume in a volume is in its place" {
	mkdir "$SCRATCH/outer" "$SCRATCH/outer/inner" "$SCRATCH/outside"
	ln -s "$SCRATCH/outside" "$BUNDLE/rootfs/link"
	config '.mounts += [{destination: "/link/a", type: "bind", source: ($s + "/volume"), options: ["bind"]},
		{destination: "/outer", type: "bind", source: ($s + "/outer"), options: ["bind"]},
		{destination: "/outer/inner", type: "bind", source: ($s + "/volume"), options: ["bind"]}]' --arg s "$SCRATCH"
	running
	same "$(ls "$SCRATCH/outside")" ""
	from_host "$PID" read "$SCRATCH/outside/a/file"
	output_is "of the volume"
	from_host "$PID" read /outer/inner/file
	output_is "of the volume"
	same "$(ls "$SCRATCH/outer/inner")" ""
}

@test "what the host mounts below a volume later is there, and is kept busy by nobody" {
	# the volume as a mount of its own that is shared, as an engine's is with rslave
	mount --bind "$SCRATCH/volume" "$SCRATCH/volume"
	mount --make-shared "$SCRATCH/volume"
	mkdir "$SCRATCH/volume/later"
	config '(.mounts[] | select(.destination == "/volume")).options = ["rbind", "rslave"]'
	running
	mount -t tmpfs later "$SCRATCH/volume/later"
	echo later >"$SCRATCH/volume/later/file"
	from_host "$PID" read /volume/later/file
	output_is later
	umount "$SCRATCH/volume/later"
	from_host "$PID" list /volume/later
	output_is ""
	hv delete -f "$ID"
	umount "$SCRATCH/volume"
}

@test "HyperV: nothing of the container can be executed from there" {
	only_hyperv "the container's programs are this kernel's to run"
	running
	from_host "$PID" list /bin
	has busybox
	status=0
	errors=$(nsenter -t "$PID" -m /bin/busybox true 2>&1) || status=$?
	status_is 126
	errors_have "permission denied"
}

@test "HyperV: a root file system that only the guest has is not to be seen from there" {
	only_hyperv "the overlay is this kernel's"
	config '.annotations["io.hvrun.sandbox"] = "memory"'
	running
	from_host "$PID" read /etc/passwd
	status_is 1
	errors_have ENOENT
	from_host "$PID" write /tmp/new text
	status_is 1
}

@test "members of a pod have their own files there" {
	only_hvrun
	local root=$BUNDLE/rootfs member=$SCRATCH/member
	config '.annotations += {"io.kubernetes.cri.container-type": "sandbox", "io.kubernetes.cri.sandbox-id": $id}' --arg id "$ID"
	running
	make_bundle "$member"
	config_of "$member" '.annotations += {"io.kubernetes.cri.container-type": "container", "io.kubernetes.cri.sandbox-id": $id}
		| .process.args = ["/bin/init", "pause"] | .root.readonly = false | .mounts += [{destination: "/volume", type: "bind", source: ($s + "/volume"), options: ["bind"]}]
		| .linux.namespaces |= map(if .type == "network" then .path = "/proc/" + $pid + "/ns/net" else . end)' \
		--arg id "$ID" --arg pid "$PID" --arg s "$SCRATCH"
	echo "of the member" >"$member/rootfs/etc/file"
	plain run -d -b "$member" "$ID-m" >/dev/null </dev/null 2>&1
	pid=$(container_pid "$ID-m")
	from_host "$pid" read /etc/file
	output_is "of the member"
	from_host "$pid" write /volume/new text
	same "$(<"$SCRATCH/volume/new")" text
	from_host "$PID" read /etc/file
	errors_have ENOENT
	hv delete -f "$ID-m"
	# nothing is left that keeps them busy
	rm -r "${member:?}"
	from_host "$PID" read /etc/passwd
	same "$output" "$(<"$root/etc/passwd")"
	hv delete -f "$ID"
}
