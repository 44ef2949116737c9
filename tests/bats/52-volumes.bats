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

# What engines do: "engine_shm OPTION...", a mount that they call shm, bound to /dev/shm.
engine_shm()
{
	mkdir "$SCRATCH/shm" && mount -t tmpfs -o "$1" shm "$SCRATCH/shm" || return
	config '(.mounts[] | select(.destination == "/dev/shm")) |= (.type = "bind" | .source = $from | .options = ["rbind", "rprivate", "noexec", "nosuid", "nodev"])' \
		--arg from "$SCRATCH/shm"
}

@test "/dev/shm that an engine has mounted: as large, and what is unlinked there while it is open can be truncated" {
	engine_shm mode=1777,size=256k
	process /bin/sh -c '/bin/busybox grep " /dev/shm " /proc/mounts; /bin/busybox stat -c "%a %u %g" /dev/shm; exec 3<>/dev/shm/open; /bin/busybox rm /dev/shm/open; /bin/busybox truncate -s 8192 /proc/$$/fd/3 && /bin/busybox stat -Lc "open %s" /proc/$$/fd/3
		cat /dev/zero >/dev/shm/fill; /bin/busybox du -k /dev/shm/fill'
	run_ok
	errors_have "no space left"
	has 'shm /dev/shm tmpfs rw,nosuid,nodev,noexec.*size=256k.*' '1777 0 0' 'open 8192'
	has '25[0-9]	/dev/shm/fill'
	! is_hyperv || same "$(ls -A "$SCRATCH/shm")" "" "the host's"
	umount "$SCRATCH/shm"
}

@test "/dev/shm that is another tmpfs of the host's is that one: what is in it is there, what is written comes back" {
	engine_shm mode=1777,size=256k
	mount -t tmpfs -o mode=1777,size=256k tmpfs "$SCRATCH/shm"
	echo hello >"$SCRATCH/shm/host"
	process /bin/sh -c 'cat /dev/shm/host; echo answer >/dev/shm/container'
	run_ok
	has hello
	same "$(<"$SCRATCH/shm/container")" answer "what the container wrote"
	umount "$SCRATCH/shm" && umount "$SCRATCH/shm"
}

@test "/dev/shm as large as it is said, and what is written there is the container's memory" {
	config '(.mounts[] | select(.destination == "/dev/shm") | .options) |= map(if startswith("size=") then "size=256k" else . end)'
	process /bin/sh -c 'cat /dev/zero >/dev/shm/fill; /bin/busybox du -k /dev/shm/fill'
	run_ok
	errors_have "no space left"
	has '256	/dev/shm/fill'
}
