# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# Volumes as kubelet makes and changes them while the container runs. What is expected is the same in both types: hvrun(8), "Volumes".

load lib

setup_test()
{
	mkdir "$SCRATCH/volume"
	config '.root.readonly = false'
	process /bin/init pause
}

# A version of a ConfigMap's or Secret's directory, and the swap to it (kubelet's atomic writer): "publish NAME TEXT"
publish()
{
	local old
	old=$(readlink "$SCRATCH/volume/..data") || true
	mkdir "$SCRATCH/volume/..$1"
	echo "$2" >"$SCRATCH/volume/..$1/key"
	ln -s "..$1" "$SCRATCH/volume/..data_tmp"
	mv -T "$SCRATCH/volume/..data_tmp" "$SCRATCH/volume/..data"
	[ -n "$old" ] || ln -s ..data/key "$SCRATCH/volume/key"
	[ -z "$old" ] || rm -r "$SCRATCH/volume/${old:?}"
}

# What the container reads at a path: "reads PATH TEXT"
reads()
{
	try hv exec "$ID" cat "$1"
	status_is 0
	output_is "$2"
}

mount_volume()
{
	config '.mounts += [{destination: "/volume", type: "bind", source: $source, options: $ARGS.positional}]' --arg source "$1" --args -- "${@:2}"
}

@test "a directory whose content is swapped as a whole: the next read is of the new one" {
	publish one first
	mount_volume "$SCRATCH/volume" rbind ro
	background "$ID"
	reads /volume/key first
	publish two second
	reads /volume/key second
	publish three third
	reads /volume/key third
	try hv exec "$ID" ls -a /volume
	has ..data ..three key
	lacks ..one ..two
}

@test "who has the old file open goes on with it" {
	publish one first
	mount_volume "$SCRATCH/volume" rbind ro
	process /bin/sh -c 'exec 3</volume/key; echo ready; read -r go; read -r old <&3; read -r new </volume/key; echo "old $old, new $new"'
	mkfifo "$SCRATCH/go"
	hv run "$ID" <"$SCRATCH/go" >"$SCRATCH/out" 2>&1 &
	exec 7>"$SCRATCH/go"
	eventually file_has "$SCRATCH/out" ready
	publish two second
	echo go >&7
	exec 7>&-
	wait $!
	file_has "$SCRATCH/out" '^old first, new second$'
}

@test "a single file: its bind mount is of that file, whatever takes its name" {
	echo first >"$SCRATCH/volume/file"
	mount_volume "$SCRATCH/volume/file" bind
	background "$ID"
	reads /volume first
	echo written >"$SCRATCH/volume/file" # in place
	reads /volume written
	echo other >"$SCRATCH/volume/new"
	mv "$SCRATCH/volume/new" "$SCRATCH/volume/file" # another file
	reads /volume written
	try hv exec "$ID" /bin/sh -c 'echo inside >/volume'
	status_is 0
	reads /volume inside
	same "$(<"$SCRATCH/volume/file")" other "the host's new file"
	rm "$SCRATCH/volume/file"
	reads /volume inside
}

@test "/dev/shm as large as it is said, and what is written there is the container's memory" {
	config '(.mounts[] | select(.destination == "/dev/shm") | .options) |= map(if startswith("size=") then "size=256k" else . end)'
	process /bin/sh -c 'cat /dev/zero >/dev/shm/fill; /bin/busybox du -k /dev/shm/fill'
	run_ok
	errors_have "no space left"
	has '256	/dev/shm/fill'
}
