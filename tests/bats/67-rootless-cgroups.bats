# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2016,SC2030,SC2031,SC2153,SC2154 # jq programs, and names that lib.bash sets
# Cgroups of a user without privileges, on cgroup v2: scopes of the user's systemd (--systemd-cgroup), and groups made by hand in
# what systemd has delegated to the user. tests/vm/run --variant rootless is a machine that has it. A login's session, like the
# group that these tests run in, is outside of the delegated tree: from there systemd moves processes, not the user.

load lib

setup_test()
{
	only_hvrun
	not_hyperv "57-rootless-vm has virtual machines" || return
	skip_unless "no pure cgroup v2 here" is_cgroup_v2 || return
	skip_unless "systemd is not PID 1 here" test "$(</proc/1/comm)" = systemd || return
	skip_unless "no user with a range in /etc/subuid" test -s /etc/subuid || return
	IFS=: read -r USER_NAME FIRST_ID _ </etc/subuid
	USER_ID=$(id -u "$USER_NAME")
	skip_unless "no systemd for users (user@.service) here" systemctl start "user@$USER_ID" || return
	RUNTIME=/run/user/$USER_ID
	DELEGATED=/user.slice/user-$USER_ID.slice/user@$USER_ID.service
	chmod 755 "$SCRATCH"
	cp "$HVRUN" "$SCRATCH/hvrun" # root's file may be out of the user's reach
	USERS=("$SCRATCH/hvrun" --root "$ROOT")
	rm config.json
	chown -R "$USER_ID:$USER_ID" "$ROOT" "$BUNDLE"
	as_user "${USERS[@]}" spec --rootless
	config '.process.terminal = false | .process.args = ["/bin/init", "exit", "0"]'
}

# A command as the user, with what a login gives: "as_user COMMAND..."
as_user()
{
	timeout --foreground -k 5 "$CALL_TIMEOUT" setpriv --reuid "$USER_ID" --regid "$USER_ID" --clear-groups --inh-caps=-all \
		env XDG_RUNTIME_DIR="$RUNTIME" DBUS_SESSION_BUS_ADDRESS="unix:path=$RUNTIME/bus" "$@" 3>&- 4>&-
}

# The same in a scope of the user's systemd, whose group is the user's: "in_scope COMMAND..."
in_scope()
{
	as_user systemd-run --user --scope --quiet -p Delegate=yes --unit "hvtest-$TAG-$RANDOM.scope" -- "$@"
}

# "paused COMMAND...": a container whose process waits; its pid is in $pid
paused()
{
	process /bin/init pause
	"$@" run -d --pid-file "$ROOT/pid" "$ID" >"$SCRATCH/$ID.out" 2>"$SCRATCH/$ID.err" </dev/null || fail "$(<"$SCRATCH/$ID.err")" || return 1
	eventually file_has "$SCRATCH/$ID.out" ready
	pid=$(<"$ROOT/pid")
	rm "$ROOT/pid"
}

# "also [OPTION...] -- PREFIX...": one more process that waits; its pid is in $also
also()
{
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	"${@:2}" "${USERS[@]}" exec -d --pid-file "$ROOT/pid" "${options[@]}" "$ID" /bin/init pause >"$SCRATCH/also" 2>&1 </dev/null ||
		fail "$(<"$SCRATCH/also")" || return 1
	also=$(<"$ROOT/pid")
	rm "$ROOT/pid"
}

# What root would do in the place of the user, the user's systemd would not know.
eval "lib_$(declare -f teardown)"
teardown()
{
	[ -z "${USERS[*]:-}" ] || as_user "${USERS[@]}" delete -f "$ID" >/dev/null 2>&1 || true
	lib_teardown
}

group()
{
	sed -n 's/^0:://p' "/proc/$1/cgroup"
}

unit_of()
{
	as_user systemctl --user show --value -p "$2" "$1"
}

@test "rootless, --systemd-cgroup: a delegated scope in user.slice of the user's systemd, gone after delete" {
	USERS+=(--systemd-cgroup)
	paused as_user "${USERS[@]}"
	same "$(group "$pid")" "$DELEGATED/user.slice/hvrun-$ID.scope"
	same "$(unit_of "hvrun-$ID.scope" Delegate)" yes
	same "$(unit_of "hvrun-$ID.scope" Slice)" user.slice
	same "$(stat -c %u "/sys/fs/cgroup$(group "$pid")")" "$USER_ID"
	also -- as_user
	same "$(group "$also")" "$(group "$pid")"
	as_user mkdir "/sys/fs/cgroup$(group "$pid")/sub"
	also --cgroup sub -- as_user
	same "$(group "$also")" "$(group "$pid")/sub"
	as_user "${USERS[@]}" delete -f "$ID"
	same "$(unit_of "hvrun-$ID.scope" LoadState)" not-found
	not test -e "/sys/fs/cgroup$DELEGATED/user.slice/hvrun-$ID.scope"
}

@test "rootless, --systemd-cgroup: from inside of the delegated tree, too" {
	USERS+=(--systemd-cgroup)
	paused in_scope "${USERS[@]}"
	same "$(group "$pid")" "$DELEGATED/user.slice/hvrun-$ID.scope"
	also -- in_scope
	same "$(group "$also")" "$(group "$pid")"
	in_scope "${USERS[@]}" delete -f "$ID"
	same "$(unit_of "hvrun-$ID.scope" LoadState)" not-found
}

@test "rootless, --systemd-cgroup: a container whose root is not the user" {
	skip_unless "newuidmap is not installed" command -v newuidmap
	USERS+=(--systemd-cgroup)
	config '.linux.uidMappings = [{"containerID": 0, "hostID": $f, "size": 1000}, {"containerID": 1000, "hostID": $u, "size": 1}]
		| .linux.gidMappings = .linux.uidMappings' --argjson u "$USER_ID" --argjson f "$FIRST_ID"
	paused as_user "${USERS[@]}"
	same "$(stat -c %u "/proc/$pid")" "$FIRST_ID"
	same "$(group "$pid")" "$DELEGATED/user.slice/hvrun-$ID.scope"
	try as_user "${USERS[@]}" exec "$ID" /bin/init ids
	status_is 0
	has 'uid: 0 0'
	as_user "${USERS[@]}" delete -f "$ID"
	same "$(unit_of "hvrun-$ID.scope" LoadState)" not-found
}

@test "rootless, --systemd-cgroup: limits hold, are systemd's too, and can be updated" {
	USERS+=(--systemd-cgroup)
	config '.linux.resources = {"memory": {"limit": 67108864}, "pids": {"limit": 20}}'
	paused as_user "${USERS[@]}"
	dir=/sys/fs/cgroup$(group "$pid")
	same "$(cat "$dir/memory.max" "$dir/pids.max" | tr '\n' ' ')" "67108864 20 "
	same "$(unit_of "hvrun-$ID.scope" MemoryMax)" 67108864
	same "$(unit_of "hvrun-$ID.scope" TasksMax)" 20
	as_user "${USERS[@]}" update --pids-limit 30 --memory 32M "$ID"
	same "$(cat "$dir/memory.max" "$dir/pids.max" | tr '\n' ' ')" "33554432 30 "
	try as_user "${USERS[@]}" exec "$ID" /bin/init fork 60
	has 'forked: (1|2)[0-9] EAGAIN'
	as_user systemctl --user daemon-reload
	same "$(<"$dir/pids.max")" 30
}

@test "rootless, --systemd-cgroup: pause, resume, ps, events and kill --all" {
	USERS+=(--systemd-cgroup)
	paused as_user "${USERS[@]}"
	as_user "${USERS[@]}" pause "$ID"
	same "$(as_user "${USERS[@]}" state "$ID" | jq -r .status)" paused
	same "$(sed -n 's/^frozen //p' "/sys/fs/cgroup$(group "$pid")/cgroup.events")" 1
	as_user "${USERS[@]}" resume "$ID"
	same "$(as_user "${USERS[@]}" ps --format json "$ID")" "[$pid]"
	same "$(as_user "${USERS[@]}" events --stats "$ID" | jq .data.pids.current)" 1
	as_user "${USERS[@]}" kill --all "$ID" KILL
	eventually is_gone "$pid"
}

@test "rootless, --systemd-cgroup: a controller that the user was not given is refused by name, and no scope is left" {
	skip_unless "this systemd gives users the io controller" not grep -qw io "/sys/fs/cgroup$DELEGATED/cgroup.controllers"
	USERS+=(--systemd-cgroup)
	before=$(snapshot)
	config '.linux.resources = {"unified": {"io.weight": "default 50"}}'
	try as_user "${USERS[@]}" create "$ID"
	refused "io"
	machine_unchanged "$before"
	same "$(unit_of "hvrun-$ID.scope" LoadState)" not-found
}

@test "rootless, --systemd-cgroup without XDG_RUNTIME_DIR: says so" {
	USERS+=(--systemd-cgroup)
	try as_user env -u XDG_RUNTIME_DIR "${USERS[@]}" create "$ID"
	refused "XDG_RUNTIME_DIR"
}

@test "rootless, cgroupfs: in a group that is the user's, cgroupsPath and limits work" {
	# shellcheck disable=SC2016 # the inner shell's
	config '.linux.cgroupsPath = $p | .linux.resources = {"pids": {"limit": 20}}' --arg p "$DELEGATED/hvtest-$ID"
	# who moves a process must own the group both are in: it starts in a scope of the user's
	paused in_scope "${USERS[@]}"
	same "$(group "$pid")" "$DELEGATED/hvtest-$ID"
	same "$(<"/sys/fs/cgroup$DELEGATED/hvtest-$ID/pids.max")" 20
	# from elsewhere nobody but root or systemd may move a process there, and systemd has nothing to do with it
	try as_user "${USERS[@]}" exec "$ID" /bin/init ids
	status_is 255
	errors_have "cannot move process [0-9]+ to .*hvtest-$ID: Permission denied"
	as_user "${USERS[@]}" kill "$ID" KILL
	eventually is_gone "$pid"
	as_user "${USERS[@]}" delete "$ID"
	not test -e "/sys/fs/cgroup$DELEGATED/hvtest-$ID"
}

@test "rootless, cgroupfs without delegation: no limits, no group; with them a refusal" {
	paused as_user "${USERS[@]}"
	same "$(group "$pid")" "$(group self)"
	as_user "${USERS[@]}" delete -f "$ID"
	config '.linux.resources = {"pids": {"limit": 20}}'
	before=$(snapshot)
	try as_user "${USERS[@]}" create "$ID"
	refused "rootless needs no limits"
	machine_unchanged "$before"
}

@test "rootless: ids of /etc/subuid are mapped with newuidmap, and files are theirs" {
	skip_unless "newuidmap is not installed" command -v newuidmap
	mkdir -m 777 rootfs/made
	config '.linux.uidMappings = [$m[], {"containerID": 1, "hostID": $f, "size": 1000}] | .linux.gidMappings = .linux.uidMappings
		| .process.user = {"uid": 5, "gid": 5, "additionalGids": [7]} | .root.readonly = false' \
		--argjson m "[{\"containerID\": 0, \"hostID\": $USER_ID, \"size\": 1}]" --argjson f "$FIRST_ID"
	checks ids , write TEXT=x /made/file
	try as_user "${USERS[@]}" run "$ID"
	status_is 0
	has 'uid: 5 5' 'gid: 5 5'
	same "$(stat -c %u rootfs/made/file)" "$((FIRST_ID + 4))"
}

@test "rootless: ids that are not in /etc/subuid are refused" {
	skip_unless "newuidmap is not installed" command -v newuidmap
	config '.linux.uidMappings += [{"containerID": 1, "hostID": 5, "size": 10}]'
	before=$(snapshot)
	try as_user "${USERS[@]}" create "$ID"
	refused "newuidmap.*ids must be granted in /etc/subuid"
	machine_unchanged "$before"
}
