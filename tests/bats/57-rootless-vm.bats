# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2016,SC2034,SC2030,SC2031,SC2153,SC2154 # jq programs, and names that lib.bash sets
# Virtual machines of a user without any privileges: in a user namespace that hvrun makes, or in one that the caller, as rootless engines do, is root of.

load lib

USER_ID=61234

as_user()
{
	timeout --foreground -k 5 "$CALL_TIMEOUT" setpriv --reuid $USER_ID --regid $USER_ID --clear-groups --inh-caps=-all \
		env XDG_RUNTIME_DIR="$SCRATCH/runtime" XDG_DATA_HOME="$SCRATCH/data" "$@" 3>&- 4>&-
}

rootless()
{
	as_user "${USERS[@]}" "$@"
}

# The program, and what it needs of the build tree, where the user can read it.
user_files()
{
	local file
	mkdir "$SCRATCH"/{program,runtime,data}
	for file in hvrun hvrun-vmwp guest/vmlinux guest/initramfs.img; do
		cp -L "${HVRUN%/*}/$file" "$SCRATCH/program/" || return 1 # no link: that is a change of the file, which others' templates go by
	done
	settings '{}'
}

# Settings of the section "hyperv" beside the usual ones: "settings JSON"
settings()
{
	jq -n --arg dir "$SCRATCH/program" --arg accel "$VM_ACCEL" --argjson more "$1" '{hyperv: ({accel: $accel, worker: "\($dir)/hvrun-vmwp",
		kernel: "\($dir)/vmlinux", initrd: "\($dir)/initramfs.img", template: false} + $more)}' >"$SCRATCH/program/hvrun.json"
}

setup_test()
{
	only_hvrun
	only_hyperv "65-rootless has the same" || return
	skip_unless "this kernel makes no user namespaces for users" setpriv --reuid $USER_ID --regid $USER_ID --clear-groups unshare -U true || return
	skip_unless "no guest for virtual machines beside $HVRUN" test -r "${HVRUN%/*}/guest/vmlinux" || return
	chmod 755 "$SCRATCH"
	user_files || return 1
	USERS=("$SCRATCH/program/hvrun" --config-file "$SCRATCH/program/hvrun.json" --root "$ROOT" --runtime-type HyperV)
	rm config.json
	chown -R $USER_ID:$USER_ID "$ROOT" "$BUNDLE" "$SCRATCH"/{runtime,data}
	rootless spec --rootless
	config '.process.terminal = false | .process.args = ["/bin/init", "exit", "0"]'
}

# The configuration as it is now is refused, and nothing is left: "denied TEXT..."
denied()
{
	local before
	before=$(snapshot)
	try rootless create "$ID"
	refused "$@" && machine_unchanged "$before"
}

# The container runs in the background as the user; $WORKER and $VMM are its processes.
running()
{
	process /bin/init pause
	status=0
	rootless run -d --pid-file "$SCRATCH/runtime/pid" "$ID" >"$SCRATCH/$ID.out" 2>"$SCRATCH/$ID.err" </dev/null || status=$?
	output=$(<"$SCRATCH/$ID.out") errors=$(<"$SCRATCH/$ID.err")
	status_is 0 || return 1
	eventually file_has "$SCRATCH/$ID.out" ready
	WORKER=$(<"$SCRATCH/runtime/pid")
	VMM=$(cut -d' ' -f1 "/proc/$WORKER/task/$WORKER/children")
	rm -f "$SCRATCH/runtime/pid"
	[ -n "$VMM" ]
}

users_state_is()
{
	[ "$(rootless state "$ID" | jq -r .status)" = "$1" ]
}

@test "rootless: spec's configuration runs in a machine: exit status, stdio" {
	process /bin/init exit 7
	try rootless run "$ID"
	status_is 7
	no_errors
	process /bin/init ids
	try rootless run "$ID"
	status_is 0
	has 'uid: 0 0' 'gid: 0 0'
	process /bin/sh -c 'echo to-stderr >&2; cat'
	printf 'through\n' >"$SCRATCH/input"
	try_stdin "$SCRATCH/input" rootless run "$ID"
	output_is through
	errors_have to-stderr
	[ -z "$(ls -A "$ROOT")" ]
}

@test "rootless: what spec --runtime-type HyperV writes runs as it is but for its process" {
	local config
	mkdir "$SCRATCH/runtime/spec"
	chown $USER_ID "$SCRATCH/runtime/spec"
	# no type but the bundle's
	USERS=("$SCRATCH/program/hvrun" --config-file "$SCRATCH/program/hvrun.json" --root "$ROOT")
	rootless spec --rootless --runtime-type HyperV --bundle "$SCRATCH/runtime/spec"
	config=$SCRATCH/runtime/spec/config.json
	jq '.process.terminal = false | .process.args = ["/bin/sh", "-c", "id -u; cd /sys/class/net; echo *"]' "$config" >config.json
	try rootless run "$ID"
	status_is 0
	no_errors
	same "$output" "$(printf '0\nlo')"
	process /bin/init pause
	running
	same "$(rootless state "$ID" | jq -r .runtimeType)" HyperV
	rootless delete -f "$ID"
}

@test "rootless: the whole life of a machine, each verb from outside of its user namespace" {
	running
	not same "$(readlink "/proc/$WORKER/ns/user")" "$(readlink /proc/self/ns/user)" 2>/dev/null
	users_state_is running
	same "$(rootless state "$ID" | jq -r .pid)" "$WORKER"
	same "$(stat -c %u "/proc/$WORKER/task")" "$USER_ID"
	try rootless list
	has "$ID +$WORKER +running .*HyperV .*"
	try rootless exec "$ID" /bin/init ids
	status_is 0
	has 'uid: 0 0'
	try rootless exec "$ID" /bin/init exit 9
	status_is 9
	same "$(rootless ps --format json "$ID" | jq length)" 1
	settings '{"debug_shell": ["/bin/busybox"]}'
	try rootless debug-shell "$ID" sh -c 'cat /proc/1/comm; exit 4'
	status_is 4
	output_is hvrun-agent
	rootless pause "$ID"
	users_state_is paused
	rootless resume "$ID"
	try rootless events --stats "$ID"
	status_is 0
	try rootless update --pids-limit 50 "$ID"
	status_is 0
	rootless kill "$ID" KILL
	eventually users_state_is stopped
	try rootless delete "$ID"
	status_is 0
	no_errors
	is_gone "$VMM" && is_gone "$WORKER"
	process /bin/init exit 0
	try rootless create "$ID"
	status_is 0
	users_state_is created
	try rootless start "$ID"
	status_is 0
	eventually users_state_is stopped
	try rootless delete "$ID"
	status_is 0
}

@test "rootless: killed with -9, the worker takes the machine along" {
	running
	kill -9 "$WORKER"
	eventually is_gone "$VMM"
	eventually users_state_is stopped
	rootless delete "$ID"
	[ -z "$(ls -A "$ROOT")" ]
}

@test "rootless: what is written belongs to the user, on the root file system and on bind mounts" {
	install -d -o $USER_ID -g $USER_ID "$SCRATCH/data/volume"
	echo text >"$SCRATCH/data/volume/theirs"
	chmod 600 "$SCRATCH/data/volume/theirs" # root's
	config '.root.readonly = false | .mounts += [{destination: "/mnt", type: "bind", source: $source, options: ["bind"]},
		{destination: "/ro", type: "bind", source: $source, options: ["bind", "ro"]}]' --arg source "$SCRATCH/data/volume"
	checks write /new /mnt/file /ro/no , read /mnt/theirs
	try rootless run "$ID"
	has 'write /new: ok' 'write /mnt/file: ok' 'write /ro/no: EROFS' 'read /mnt/theirs: (EACCES|EPERM)'
	same "$(stat -c '%u %g' rootfs/new)" "$USER_ID $USER_ID"
	same "$(stat -c '%u %g' "$SCRATCH/data/volume/file")" "$USER_ID $USER_ID"
}

@test "rootless: without a user namespace in config.json root of the guest is the user" {
	config '.linux.namespaces -= [{"type": "user"}] | del(.linux.uidMappings, .linux.gidMappings) | .root.readonly = false'
	checks ids , write /new
	try rootless run "$ID"
	status_is 0
	has 'uid: 0 0'
	same "$(stat -c '%u %g' rootfs/new)" "$USER_ID $USER_ID"
}

@test "rootless: ranges of ids by newuidmap and newgidmap, and files are theirs" {
	skip_unless "no newuidmap (Debian: uidmap)" test -u /usr/bin/newuidmap || return
	skip_unless "no /etc/subuid and /etc/subgid" test -e /etc/subuid -a -e /etc/subgid || return
	mkdir -m 777 "$SCRATCH/data/volume"
	config '.mounts += [{destination: "/mnt", type: "bind", source: $source, options: ["bind"]}] |
		.linux.uidMappings += [{containerID: 1, hostID: 700000, size: 1000}] | .linux.gidMappings = .linux.uidMappings |
		.process.user = {uid: 5, gid: 6, additionalGids: [7, 1000]}' --arg source "$SCRATCH/data/volume"
	checks ids , write /mnt/five
	try with_ranges run "$ID"
	status_is 0
	no_errors
	has 'uid: 5 5' 'gid: 6 6' 'groups: 7 1000' 'write /mnt/five: ok'
	same "$(stat -c '%u %g' "$SCRATCH/data/volume/five")" "700004 700005"
	# the user is not root of the container
	config '.linux.uidMappings = [{containerID: 0, hostID: 700000, size: 1000}, {containerID: 1000, hostID: $id, size: 1}] |
		.linux.gidMappings = .linux.uidMappings | .process.user = {uid: 1000, gid: 1000} |
		.root.readonly = true' --argjson id $USER_ID
	chmod 755 rootfs
	checks ids , write /mnt/own
	try with_ranges run "$ID"
	status_is 0
	has 'uid: 1000 1000'
	same "$(stat -c '%u %g' "$SCRATCH/data/volume/own")" "$USER_ID $USER_ID"
	# what is not granted
	config '.linux.uidMappings[0].hostID = 1'
	try with_ranges create "$ID"
	refused "newuidmap: exit status 1, stderr: newuidmap: .*(not allowed|permitted)"
	[ ! -e "$ROOT/$ID" ]
}

@test "rootless: a template is the user's own, and not another's" {
	local store=$SCRATCH/runtime/hvrun-template
	settings '{"template": true}'
	try rootless template build
	status_is 0
	same "$(stat -c '%a %u' "$store")" "700 $USER_ID"
	try rootless template list
	has '[0-9a-f]+ +ready .*'
	running
	same "$(rootless state "$ID" | jq -r .startup.start)" clone
	rootless delete -f "$ID"
	try rootless template prune --all
	status_is 0
	rm -rf "$store"
	install -d -m 777 "$store" # root's
	process /bin/init exit 4
	try rootless run "$ID"
	status_is 4
	errors_have "hvrun-template belongs to uid" "it must be ours alone"
	[ -z "$(ls -A "$store")" ]
}

@test "rootless: layers: what is written is gone with the machine" {
	config '.root.readonly = false'
	for kind in overlay memory; do
		config '.annotations = {"io.hvrun.sandbox": $kind}' --arg kind "$kind"
		checks write /new /etc/passwd
		try rootless run "$ID"
		status_is 0
		has 'write /new: ok' 'write /etc/passwd: ok'
		[ ! -e rootfs/new ]
		[ -z "$(find "$SCRATCH/data/hvrun/sandbox" -mindepth 1 2>/dev/null)" ]
	done
}

@test "rootless: mounts add and remove, while the machine runs" {
	install -d -o $USER_ID -g $USER_ID "$SCRATCH/data/volume"
	echo here >"$SCRATCH/data/volume/file"
	mkdir -p rootfs/mnt
	jq -n --arg source "$SCRATCH/data/volume" '[{destination: "/mnt", type: "bind", source: $source, options: ["bind"]}]' >"$SCRATCH/runtime/mounts.json"
	running
	try rootless mounts add "$ID" "$SCRATCH/runtime/mounts.json"
	status_is 0
	try rootless exec "$ID" /bin/init read /mnt/file
	has 'read /mnt/file: .*here'
	try rootless mounts remove "$ID" "$SCRATCH/runtime/mounts.json"
	status_is 0
	try rootless exec "$ID" /bin/init list /mnt
	lacks 'entry /mnt: file'
}

@test "rootless: the type of a machine can be changed to Default; to HyperV only by creating it anew" {
	process /bin/init pause
	try rootless create "$ID"
	status_is 0
	try rootless update --runtime-type Default "$ID"
	status_is 0
	users_state_is created
	try rootless list
	has "$ID .* created .*Default .*"
	try rootless update --runtime-type HyperV "$ID"
	refused "cannot change the runtime type of container \"$ID\" to HyperV without privileges"
	users_state_is created
	try rootless delete "$ID"
	status_is 0
	[ -z "$(ls -A "$ROOT")" ]
}

@test "rootless: virtiofs" {
	skip_unless "no virtiofsd" test -x /usr/lib/qemu/virtiofsd -o -x /usr/libexec/virtiofsd || return
	config '.root.readonly = false | .annotations["io.hvrun.share-type"] = "virtiofs"'
	checks write /new
	try rootless run "$ID"
	status_is 0
	has 'write /new: ok'
	same "$(stat -c '%u %g' rootfs/new)" "$USER_ID $USER_ID"
}

@test "rootless: hooks: those of create are root of the machine's user namespace" {
	local kind
	printf '#!/bin/sh\nread -r state\necho "$1 $(id -u) $(readlink /proc/self/ns/user)" >>"%s"\n' "$SCRATCH/runtime/hooks" >"$SCRATCH/hook"
	chmod 755 "$SCRATCH/hook"
	for kind in prestart createRuntime createContainer poststart poststop; do
		config '.hooks[$kind] = [{path: $path, args: ["hook", $kind]}]' --arg kind $kind --arg path "$SCRATCH/hook"
	done
	running
	same "$(sed -n 's/^prestart //p;s/^createRuntime //p;s/^createContainer //p' "$SCRATCH/runtime/hooks" | sort -u)" "0 $(readlink "/proc/$WORKER/ns/user")"
	rootless delete -f "$ID"
	same "$(tail -n 1 "$SCRATCH/runtime/hooks")" "poststop $USER_ID $(readlink /proc/self/ns/user)"
}

@test "rootless: the jail is as tight as root's" {
	local set left ns
	config '.root.readonly = false'
	running
	for set in CapPrm CapEff CapBnd; do
		same "$(sed -n "s/^$set:[[:space:]]*//p" "/proc/$VMM/status")" 000000000000001b $set
	done
	grep -qE '^NoNewPrivs:[[:space:]]*1$' "/proc/$VMM/status"
	grep -qE '^Seccomp_filters:[[:space:]]*2$' "/proc/$VMM/status"
	for ns in mnt pid ipc uts net cgroup user; do
		not same "$(readlink "/proc/$VMM/ns/$ns")" "$(readlink "/proc/self/ns/$ns")" 2>/dev/null
	done
	# of the host's files the shares, and what the VMM reads
	same "$(awk '$6 !~ /^ro/ {print $5}' "/proc/$VMM/mountinfo" | sort)" $'/\n/share/0'
	same "$(awk '$6 !~ /nosuid/ {print $5}' "/proc/$VMM/mountinfo")" ""
	left=$(cd "/proc/$VMM/root" && find . -xdev -maxdepth 1 | sort | tr '\n' ' ')
	not grep -qE '\./(home|root|run|boot|sys|var|srv)' <<<"$left"
	[ ! -e "/proc/$VMM/root$SCRATCH/bundle" ]
	[ ! -e "/proc/$VMM/root/proc/pid/sys" ]
	# no descriptor leads to a mount namespace
	same "$(find "/proc/$VMM/fd" -lname 'mnt:*')" ""
	# a user namespace's ids: the user alone
	same "$(awk '{print $1, $2, $3}' "/proc/$VMM/uid_map")" "0 $USER_ID 1"
}

@test "rootless: what needs privileges is refused by name" {
	cp config.json plain.json
	while IFS='|' read -r text program; do
		cp plain.json config.json
		config "$program"
		denied "$text"
	done <<-'EOF2'
		cannot share the host's network|.linux.namespaces -= [{"type": "network"}]
		network: joining /proc/1/ns/net takes root|(.linux.namespaces[] | select(.type == "network")).path = "/proc/1/ns/net"
	EOF2
	cp plain.json config.json
	skip_unless "the user can make cgroups here" test "$(stat -c %u /sys/fs/cgroup)" = 0
	config '.linux.resources.pids.limit = 20'
	denied "rootless needs no limits \+ no cgrouppath" "ermission denied|read-only"
}

# As root of a user namespace, in one of its mount namespaces, where /dev/net/tun is for everybody: "engine SCRIPT"; $1 there is a network namespace with a link.
engine()
{
	cat >"$SCRATCH/engine" <<-'EOF2'
		scratch=$1 id=$2
		mkdir "$scratch/dev"
		mount -t tmpfs -o mode=755 tmpfs "$scratch/dev"
		mknod -m 666 "$scratch/dev/tun" c 10 200
		mount --bind "$scratch/dev/tun" /dev/net/tun
		exec setpriv --reuid "$id" --regid "$id" --clear-groups --inh-caps=-all unshare -Urm bash "$scratch/inside"
	EOF2
	cat >"$SCRATCH/inside" <<-EOF2
		export XDG_RUNTIME_DIR=$SCRATCH/runtime
		mkfifo "$SCRATCH/runtime/ready" "$SCRATCH/runtime/end"
		unshare -n sh -c "ip link set lo up; ip link add eth0 type veth peer name eth1; ip addr add 10.7.0.1/24 dev eth0; ip link set eth0 up; ip link set eth1 up
			echo >$SCRATCH/runtime/ready; read -r _ <$SCRATCH/runtime/end" &
		read -r _ <"$SCRATCH/runtime/ready"
		set -- "/proc/\$!/ns/net"
		$1
		echo >"$SCRATCH/runtime/end"
		wait
		exit \$status
	EOF2
	timeout -k 5 "$CALL_TIMEOUT" unshare -m bash "$SCRATCH/engine" "$SCRATCH" $USER_ID
}

@test "rootless: root of a user namespace runs machines, and the links of its network namespaces are theirs" {
	skip_unless "no /dev/net/tun" test -c /dev/net/tun || return
	config '.linux.uidMappings = [{containerID: 0, hostID: 0, size: 1}] | .linux.gidMappings = .linux.uidMappings | .root.readonly = false'
	process /bin/busybox sh -c 'echo x >/new; /bin/busybox ip -o addr'
	try engine "jq --arg ns \$1 '(.linux.namespaces[] | select(.type == \"network\")).path = \$ns' config.json >new.json; mv new.json config.json; status=0
		${USERS[*]} run $ID || status=\$?"
	status_is 0
	no_errors
	grep -q 'eth0 .*10\.7\.0\.1/24' <<<"$output"
	same "$(stat -c '%u %g' rootfs/new)" "$USER_ID $USER_ID"
	[ -z "$(ls -A "$ROOT")" ]
}

@test "rootless: a member of a pod is refused, its sandbox is a machine as any other" {
	config '.annotations = {"io.kubernetes.cri.container-type": "sandbox", "io.kubernetes.cri.sandbox-id": $id}' --arg id "$ID"
	running
	config '.annotations["io.kubernetes.cri.container-type"] = "container"'
	try rootless create "$ID-2"
	refused "pod sandbox \"$ID\": joining a virtual machine needs root"
	[ ! -e "$ROOT/$ID-2" ]
	users_state_is running
}
