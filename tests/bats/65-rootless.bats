# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# A user without any privileges: one mapped id, ranges of /etc/subuid, and what cannot be had that way. cgroup v2 with systemd's
# delegation is tests/vm's; here the user may not make groups.

load lib

USER_ID=61234

# hvrun as the user, who knows nothing but its root: "rootless VERB ARG..."
rootless()
{
	timeout --foreground -k 5 "$CALL_TIMEOUT" setpriv --reuid $USER_ID --regid $USER_ID --clear-groups --inh-caps=-all \
		env XDG_RUNTIME_DIR="$SCRATCH/runtime" "${USERS[@]}" "$@" 3>&- 4>&-
}

setup_test()
{
	only_hvrun
	not_hyperv "57-rootless-vm has virtual machines" || return
	skip_unless "this kernel makes no user namespaces for users" setpriv --reuid $USER_ID --regid $USER_ID --clear-groups unshare -U true || return
	chmod 755 "$SCRATCH"
	mkdir "$SCRATCH/runtime"
	cp "$HVRUN" "$SCRATCH/hvrun" # the build tree may be out of the user's reach
	USERS=("$SCRATCH/hvrun" --root "$ROOT")
	rm config.json
	chown -R $USER_ID:$USER_ID "$ROOT" "$BUNDLE" "$SCRATCH/runtime"
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

@test "rootless: spec's configuration runs, as root of a namespace with one id" {
	checks ids , namespaces , list /dev
	try rootless run "$ID"
	status_is 0
	no_errors
	has 'uid: 0 0' 'gid: 0 0' 'entry /dev: null' 'entry /dev: pts'
	lacks "user $(readlink /proc/self/ns/user)"
}

@test "rootless: spec's configuration for either type runs, in a network namespace" {
	local file
	mkdir "$SCRATCH/runtime/spec"
	chown $USER_ID "$SCRATCH/runtime/spec"
	rootless spec --rootless --runtime-type Auto --bundle "$SCRATCH/runtime/spec"
	file=$SCRATCH/runtime/spec/config.json
	jq '.process.terminal = false | .process.args = ["/bin/sh", "-c", "id -u; cd /sys/class/net; echo *"]' "$file" >config.json
	try rootless run "$ID"
	status_is 0
	no_errors
	same "$output" "$(printf '0\nlo')"
}

@test "rootless: the root is \$XDG_RUNTIME_DIR/hvrun" {
	USERS=("$SCRATCH/hvrun")
	try rootless create "$ID"
	status_is 0
	[ -d "$SCRATCH/runtime/hvrun/$ID" ]
	same "$(stat -c '%a %u' "$SCRATCH/runtime/hvrun")" "700 $USER_ID"
	try rootless delete "$ID"
	status_is 0
}

@test "rootless: the whole life of a container, with exec, ps, kill and delete" {
	process /bin/init pause
	rootless run -d --pid-file "$SCRATCH/runtime/pid" "$ID" >"$SCRATCH/$ID.out" 2>&1 </dev/null
	eventually file_has "$SCRATCH/$ID.out" ready
	same "$(rootless state "$ID" | jq -r .status)" running
	same "$(rootless state "$ID" | jq .pid)" "$(<"$SCRATCH/runtime/pid")"
	try rootless exec "$ID" /bin/init ids
	status_is 0
	has 'uid: 0 0'
	rootless exec -d "$ID" /bin/init pause >"$SCRATCH/second" 2>&1 </dev/null
	eventually file_has "$SCRATCH/second" ready
	# without a cgroup the pid namespace says who belongs to it
	same "$(rootless ps --format json "$ID" | jq length)" 2
	try rootless ps "$ID"
	status_is 0
	[ "$(grep -c pause <<<"$output")" = 2 ]
	try rootless list
	has "$ID +[0-9]+ +running .*"
	for verb in "pause" "update --pids-limit 5" "events --stats"; do
		# shellcheck disable=SC2086
		try rootless $verb "$ID"
		refused "no cgroup of its own"
	done
	try rootless kill --all "$ID" KILL
	status_is 0
	stopped()
	{
		[ "$(rootless state "$ID" | jq -r .status)" = stopped ]
	}
	eventually stopped
	try rootless delete "$ID"
	status_is 0
	no_errors
}

@test "rootless: limits and cgroupsPath need a group that the user cannot make here, and are refused" {
	skip_unless "the user can make cgroups here" test "$(stat -c %u /sys/fs/cgroup)" = 0
	config '.linux.resources.pids.limit = 20'
	denied "rootless needs no limits \+ no cgrouppath" "ermission denied|read-only"
	config 'del(.linux.resources) | .linux.cgroupsPath = "/somewhere"'
	denied "rootless needs no limits \+ no cgrouppath" "/somewhere"
}

@test "rootless: what needs privileges is refused by name" {
	cp config.json plain.json
	while IFS='|' read -r text program; do
		cp plain.json config.json
		config "$program"
		denied "$text"
	done <<-'EOF'
		linux.namespaces: rootless.*user namespace|.linux.namespaces -= [{"type": "user"}] | del(.linux.uidMappings, .linux.gidMappings)
		process.user.uid: 7 is not in linux.uidMappings|.process.user.uid = 7
		process.user.gid: 7 is not in linux.gidMappings|.process.user.gid = 7
		additionalGids\[0\]: 7 is not in|.process.user.additionalGids = [7]
		"/mnt".*idmap.*needs root|.mounts += [{"destination": "/mnt", "type": "bind", "source": "/etc", "options": ["bind", "idmap"]}]
		linux.netDevices.*needs root|.linux.netDevices = {"lo": {}} | .linux.namespaces += [{"type": "network"}]
		"/sys".*sysfs needs a new network namespace|.mounts[-1] = {"destination": "/sys", "type": "sysfs", "source": "sysfs"}
		"/proc".*pid namespace of its own|.linux.namespaces -= [{"type": "pid"}]
	EOF
}

@test "rootless: groups cannot be set, and exec as an id that is not mapped is refused" {
	config '.process.user.additionalGids = [0]'
	process /bin/init ids
	try rootless run "$ID"
	refused "additionalGids.*no groups can be set"
	config 'del(.process.user.additionalGids)'
	process /bin/init pause
	rootless run -d "$ID" >"$SCRATCH/out" 2>&1 </dev/null
	try rootless exec --user 5 "$ID" /bin/init ids
	status_is 255
	errors_have "process.user.uid: 5 is not mapped"
}

@test "rootless: devices are the host's, masks and read-only paths hold, oomScoreAdj does what it may" {
	config '.process.oomScoreAdj = -500 | .linux.maskedPaths += ["/sys/kernel"] | .process.noNewPrivileges = true'
	checks write TEXT=x /dev/null , read /dev/zero , list /sys/kernel , write /proc/sys/vm/overcommit_memory , caps
	try rootless run "$ID"
	status_is 0
	lacks 'entry /sys/kernel'
	has 'write /proc/sys/vm/overcommit_memory: (EROFS|EACCES|EPERM)' 'NoNewPrivs: 1'
}

@test "rootless: a flag that the host's mount has cannot be taken off, and the error says which" {
	mkdir "$SCRATCH/runtime/volume"
	cat >"$SCRATCH/locked" <<-'EOF'
		mount -t tmpfs -o ro,nodev tmpfs "$1"
		shift
		exec "$@"
	EOF
	in_mounts()
	{
		unshare -m bash "$SCRATCH/locked" "$SCRATCH/runtime/volume" setpriv --reuid $USER_ID --regid $USER_ID --clear-groups "${USERS[@]}" "$@"
	}
	config '.mounts += [{"destination": "/tmp", "type": "bind", "source": $source, "options": ["bind"]}]' --arg source "$SCRATCH/runtime/volume"
	checks write /tmp/file
	try in_mounts run "$ID"
	has 'write /tmp/file: EROFS'
	config '.mounts[-1].options += ["rw"]'
	try in_mounts run "$ID"
	refused '"/tmp".*"ro" of the source ".*/volume" is locked'
}

ranges()
{
	config '.linux.uidMappings += [{"containerID": 1, "hostID": 700000, "size": 1000}] | .linux.gidMappings += [{"containerID": 1, "hostID": 700000, "size": 1000}]'
}

@test "rootless: ranges of ids by newuidmap and newgidmap" {
	skip_unless "no newuidmap (Debian: uidmap)" test -u /usr/bin/newuidmap || return
	skip_unless "no /etc/subuid and /etc/subgid" test -e /etc/subuid -a -e /etc/subgid || return
	ranges
	config '.process.user = {"uid": 5, "gid": 6, "additionalGids": [7, 1000]}'
	checks ids
	try with_ranges run "$ID"
	status_is 0
	no_errors
	has 'uid: 5 5' 'gid: 6 6' 'groups: 7 1000'
}

@test "rootless: ranges that are not granted are refused in the helper's words" {
	skip_unless "no newuidmap (Debian: uidmap)" test -u /usr/bin/newuidmap || return
	skip_unless "no /etc/subuid and /etc/subgid" test -e /etc/subuid -a -e /etc/subgid || return
	ranges
	config '.linux.uidMappings[1].hostID = 0'
	try with_ranges create "$ID"
	refused "newuidmap: exit status 1, stderr: newuidmap: .*(not allowed|permitted)"
	[ ! -e "$ROOT/$ID" ]
}

@test "rootless: run.oci.keep_original_groups, which root may not use" {
	with_groups()
	{
		timeout --foreground -k 5 "$CALL_TIMEOUT" setpriv --reuid $USER_ID --regid $USER_ID --groups 61299 --inh-caps=-all "${USERS[@]}" "$@"
	}
	overflow=$(</proc/sys/kernel/overflowgid)
	mkdir "$SCRATCH/runtime/shared"
	echo secret >"$SCRATCH/runtime/shared/file"
	chown 0:61299 "$SCRATCH/runtime/shared/file"
	chmod 640 "$SCRATCH/runtime/shared/file"
	config '.annotations["run.oci.keep_original_groups"] = "1" | .mounts += [{"destination": "/tmp", "type": "bind", "source": $source, "options": ["bind"]}]' \
		--arg source "$SCRATCH/runtime/shared"
	checks ids , read /tmp/file
	try with_groups run "$ID"
	status_is 0
	has "groups: $overflow" 'read /tmp/file: .*secret'
	try plain create "$ID"
	refused "keep_original_groups: root's groups"
	config '.annotations["run.oci.keep_original_groups"] = "yes"'
	denied 'keep_original_groups: "yes" is not a valid value \(0, 1\)'
}

@test "rootless: layers, in the user's own place for data, and gone with the container" {
	local layers=$SCRATCH/data/hvrun/sandbox before
	install -d -o $USER_ID -g $USER_ID "$SCRATCH/data"
	USERS=(XDG_DATA_HOME="$SCRATCH/data" "${USERS[@]}")
	before=$(cd rootfs && find . -printf '%p %M %s %T@\n' | sort)
	config '.root.readonly = false'
	for kind in overlay memory; do
		config '.annotations = {"io.hvrun.sandbox": $kind}' --arg kind "$kind"
		checks write /new /etc/passwd , stat /new /
		try rootless run "$ID"
		status_is 0
		has 'write /new: ok' 'write /etc/passwd: ok' 'stat /new: .* 0 0'
		same "$(cd rootfs && find . -printf '%p %M %s %T@\n' | sort)" "$before" "the root file system"
		[ -z "$(ls -A "$layers" 2>/dev/null)" ] || fail "layers are left:" "$(ls -lA "$layers")"
	done
	[ -d "$layers" ]
	config '.annotations["io.hvrun.sandbox"] = "overlay" | .annotations["io.hvrun.sandbox.size"] = "32M"'
	denied 'io.hvrun.sandbox.size: a limit on the disk needs root; "memory" does not'
	config 'del(.annotations["io.hvrun.sandbox.size"]) | .linux.uidMappings += [{containerID: 1, hostID: 100000, size: 1}]'
	denied 'io.hvrun.sandbox: "overlay" needs root where more than one id is mapped; "memory" does not'
}
