# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# What the host mounts and unmounts below a bind mount's source while the container runs.

load lib

# A volume that is shared as systemd's mounts are, with a mount below it.
make_volume()
{
	VOLUME=$SCRATCH/volume
	mkdir "$VOLUME"
	mount -t tmpfs tmpfs "$VOLUME"
	mount --make-shared "$VOLUME"
	mkdir "$VOLUME/before" "$VOLUME/later"
	mount -t tmpfs tmpfs "$VOLUME/before"
	echo before >"$VOLUME/before/file"
	config '.root.readonly = false | .mounts += [
		{destination: "/rw", type: "bind", source: $v, options: ["rbind", "rw"]},
		{destination: "/ro", type: "bind", source: $v, options: ["rbind", "rro"]}]' --arg v "$VOLUME"
	process /bin/init pause
}

mount_later()
{
	mount -t tmpfs tmpfs "$VOLUME/later"
	echo later >"$VOLUME/later/file"
}

mounted_on_host()
{
	cat "$VOLUME/before/file" "$VOLUME/later/file"
}

@test "what the host mounts below a writable source is in the container, and stays on the host when that goes" {
	make_volume
	background "$ID"
	mount_later
	try hv exec "$ID" /bin/sh -c 'cat /rw/before/file /rw/later/file && echo x >/rw/later/new && echo y >/rw/before/new'
	status_is 0
	same "$output" "$(printf 'before\nlater')"
	same "$(cat "$VOLUME/later/new" "$VOLUME/before/new")" "$(printf 'x\ny')"
	hv delete -f "$ID"
	same "$(mounted_on_host)" "$(printf 'before\nlater')"
	umount "$VOLUME/later" "$VOLUME/before" "$VOLUME"
}

@test "what the host unmounts below a source is not kept busy" {
	make_volume
	background "$ID"
	mount_later
	hv exec "$ID" /bin/sh -c 'cat /rw/later/file'
	umount "$VOLUME/later"
	try hv exec "$ID" /bin/sh -c 'ls /rw/later'
	status_is 0
	output_is ""
	hv delete -f "$ID"
	umount "$VOLUME/before" "$VOLUME"
}

@test "a read-only source is read-only with all below it, and gets nothing later" {
	only_hyperv "a mount of the host's has attributes of its own wherever it appears (mount_namespaces(7))"
	make_volume
	background "$ID"
	mount_later
	try hv exec "$ID" /bin/sh -c 'cat /ro/before/file; echo x >/ro/before/new; echo x >/ro/new; ls /ro/later; echo x >/ro/later/new'
	[ "$status" != 0 ]
	output_is before
	[ ! -e "$VOLUME/later/new" ] && [ ! -e "$VOLUME/before/new" ] && [ ! -e "$VOLUME/new" ]
	hv delete -f "$ID"
	same "$(mounted_on_host)" "$(printf 'before\nlater')"
	umount "$VOLUME/later" "$VOLUME/before" "$VOLUME"
}

@test "a member of a pod that goes unmounts nothing of the host's" {
	only_hvrun
	make_volume
	config '.mounts |= map(select(.destination != "/rw" and .destination != "/ro"))
		| .annotations += {"io.kubernetes.cri.container-type": "sandbox", "io.kubernetes.cri.sandbox-id": $id}' --arg id "$ID"
	background "$ID"
	make_bundle "$SCRATCH/member"
	config_of "$SCRATCH/member" '.annotations += {"io.kubernetes.cri.container-type": "container", "io.kubernetes.cri.sandbox-id": $id}
		| .process.args = ["/bin/cat", "/rw/before/file", "/rw/later/file"]
		| .mounts += [{destination: "/rw", type: "bind", source: $v, options: ["rbind", "rw"]}]
		| .linux.namespaces |= map(if .type == "network" then . + {path: ("/proc/" + $pid + "/ns/net")} else . end)' \
		--arg id "$ID" --arg v "$VOLUME" --arg pid "$(container_pid "$ID")"
	mount_later
	(cd "$SCRATCH/member" && try plain run "$ID-m"; status_is 0 && same "$output" "$(printf 'before\nlater')")
	same "$(mounted_on_host)" "$(printf 'before\nlater')"
	hv delete -f "$ID"
	umount "$VOLUME/later" "$VOLUME/before" "$VOLUME"
}

@test "a link in a volume that is exchanged leads to the new files at once" {
	mkdir -p "$SCRATCH/map/..1" "$SCRATCH/map/..2"
	echo one >"$SCRATCH/map/..1/key"
	echo two >"$SCRATCH/map/..2/key"
	ln -s ..1 "$SCRATCH/map/..data"
	ln -s ..data/key "$SCRATCH/map/key"
	config '.mounts += [{destination: "/map", type: "bind", source: $s, options: ["bind", "ro"]}]' --arg s "$SCRATCH/map"
	process /bin/init pause
	background "$ID"
	try hv exec "$ID" /bin/cat /map/key
	output_is one
	ln -s ..2 "$SCRATCH/map/..new"
	mv -T "$SCRATCH/map/..new" "$SCRATCH/map/..data"
	rm -r "$SCRATCH/map/..1"
	try hv exec "$ID" /bin/cat /map/key
	output_is two
}
