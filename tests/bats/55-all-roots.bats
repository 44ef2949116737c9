# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2016,SC2034,SC2153,SC2154 # jq programs, and names that lib.bash sets or reads
# list --all-roots: the machines of this host, whatever root their engine has, and nobody who only looks like one. Other tests may have machines at the
# same time: what is asked is about this one's.

load lib

setup_test()
{
	only_hvrun || return
	OTHER=$SCRATCH/other/state
	mkdir -p "$OTHER"
	process /bin/init pause
}

eval "lib_$(declare -f teardown)"
teardown()
{
	local id
	for id in "${OTHER-/nowhere}"/*/; do
		[ ! -d "$id" ] || in_other delete -f "$(basename "$id")" </dev/null >/dev/null 2>&1 || true
	done
	[ -z "${HOSTILE-}" ] || kill "$HOSTILE" 2>/dev/null || true
	lib_teardown
}

# hvrun with the root of another engine: "in_other CMD ARG..."
in_other()
{
	timeout --foreground -k 5 "$CALL_TIMEOUT" "$HVRUN" --root "$OTHER" --vm-accel "$VM_ACCEL" --runtime-type "$RUNTIME_TYPE" "$@" 3>&- 4>&-
}

# What a third one sees of this test's, as JSON: "listed JQ-PROGRAM"
listed()
{
	"$HVRUN" --root "$SCRATCH/third" list --all-roots -f json 2>"$SCRATCH/listed.err" |
		jq -c --arg scratch "$SCRATCH" '[.[]? | select(.root | startswith($scratch))] | '"$1"
}

two_containers()
{
	background "$ID"
	in_other run -d "$ID-o" >"$SCRATCH/second.out" 2>&1 </dev/null || fail "$(cat "$SCRATCH/second.out")"
}

@test "machines below two roots, with root, id, pid, status and worker" {
	only_hyperv "is listed in its own root only"
	local pid other_pid
	two_containers
	in_other pause "$ID-o"
	create "$ID-2"
	status_is 0
	pid=$(container_pid "$ID") other_pid=$(in_other state "$ID-o" | jq .pid)
	same "$(listed 'map([.root, .id, .pid, .status])')" \
		"[[\"$OTHER\",\"$ID-o\",$other_pid,\"paused\"],[\"$ROOT\",\"$ID\",$pid,\"running\"],[\"$ROOT\",\"$ID-2\",$(container_pid "$ID-2"),\"created\"]]"
	same "$(listed 'map([.worker, .workerReplaced]) | unique')" "[[\"$(readlink "/proc/$pid/exe")\",false]]"
	# as a table, and names only
	try "$HVRUN" list --all-roots
	status_is 0
	has "ID .* ROOT +WORKER" "$ID +$pid +running .* $ROOT +/.*" "$ID-o +$other_pid +paused .* $OTHER +/.*"
	try "$HVRUN" list --all-roots -q
	has "$ROOT/$ID" "$ROOT/$ID-2" "$OTHER/$ID-o"
	# each list is still its own root's
	same "$(in_other list -q)" "$ID-o"
	# who has ended is none
	in_other delete -f "$ID-o"
	gone_from_list() { [ "$(listed 'map(.root) | unique')" = "[\"$ROOT\"]" ]; }
	eventually gone_from_list
}

@test "Default: a container is in its own root's list alone" {
	not_hyperv "is asked above"
	two_containers
	same "$(listed length)" 0
	same "$(in_other list -q)" "$ID-o"
	in_other delete -f "$ID-o"
}

@test "a worker whose program has been replaced since is found, and told" {
	only_hyperv "has no worker"
	local installed
	installed=$(dirname "$HVRUN")/hvrun-vmwp
	[ -x "$installed" ] || installed=$(dirname "$HVRUN")/../libexec/hvrun/hvrun-vmwp
	cp "$installed" "$SCRATCH/worker"
	jq -n --arg worker "$SCRATCH/worker" '{hyperv: {worker: $worker}}' >"$SCRATCH/hvrun.json"
	HV=("${PLAIN[@]}" --config-file "$SCRATCH/hvrun.json" --runtime-type HyperV)
	background "$ID"
	cp "$installed" "$SCRATCH/worker.new"
	mv "$SCRATCH/worker.new" "$SCRATCH/worker"
	same "$(listed 'map([.id, .worker, .workerReplaced])')" "[[\"$ID\",\"$SCRATCH/worker\",true]]"
	hv delete -f "$ID"
}

@test "the members of a pod are there with its sandbox" {
	only_hyperv "has no worker"
	config '.annotations += {"io.kubernetes.cri.container-type": "sandbox", "io.kubernetes.cri.sandbox-id": $id}' --arg id "$ID"
	background "$ID"
	make_bundle "$SCRATCH/member"
	config_of "$SCRATCH/member" '.annotations += {"io.kubernetes.cri.container-type": "container", "io.kubernetes.cri.sandbox-id": $id}
		| .process.args = ["/bin/init", "pause"] | .linux.namespaces |= map(select(.type != "network"))
		+ [{type: "network", path: ("/proc/" + $pid + "/ns/net")}]' --arg id "$ID" --arg pid "$(container_pid "$ID")"
	plain run -d -b "$SCRATCH/member" "$ID-m" >"$SCRATCH/member.out" 2>&1 </dev/null || fail "$(cat "$SCRATCH/member.out")"
	same "$(listed 'map([.id, .sandbox])')" "[[\"$ID\",null],[\"$ID-m\",\"$ID\"]]"
	hv delete -f "$ID-m"
	hv delete -f "$ID"
}

# A process that calls itself a worker, with the directory DIR/ID open in which a state.json is about it: "pretend DIR [COMMAND...]", where the command
# starts another in a different place. Its pid is in $HOSTILE.
pretend()
{
	local dir=$1
	shift
	"$@" bash -c '
		dir=$1/$2 && mkdir -p "$dir" || exit 1
		start=$(cut -d" " -f22 /proc/$$/stat)
		printf "{\"version\": 1, \"ociVersion\": \"1.3.0\", \"id\": \"%s\", \"runtimeType\": \"HyperV\", \"bundle\": \"/b\", \"rootfs\": \"/b/rootfs\",
			\"created\": \"2026-01-01T00:00:00Z\", \"pid\": %d, \"startTime\": %s}" "$2" $$ "$start" >"$dir/state.json"
		[ -z "$3" ] || chown "$3" "$1" "$dir" "$dir/state.json"
		exec 9<"$dir" && cd "$4" && exec -a hvrun-vmwp cat "$2"' _ "$dir" "$ID" "${OWNER-}" "$SCRATCH/fifo" 3>&- 4>&- </dev/null &
	HOSTILE=$!
	is_pretending() { [ "$(tr '\0' ' ' <"/proc/$HOSTILE/cmdline")" = "hvrun-vmwp $ID " ]; }
	eventually is_pretending
}

# Ends the last one and its files
no_more()
{
	kill "$HOSTILE"
	wait "$HOSTILE" || true
	HOSTILE=
	rm -rf "$1"
}

@test "a process that only looks like a worker is not listed" {
	only_hyperv "has no worker"
	# what it does is to wait for somebody to write here
	mkdir "$SCRATCH/fifo"
	mkfifo "$SCRATCH/fifo/$ID"
	# what the test's own process can do where it is as good as hvrun: root, in this mount namespace, with a directory of root's alone
	pretend "$SCRATCH/fake"
	same "$(listed 'map(.id)')" "[\"$ID\"]"
	# that process, but a record about another one
	jq '.pid = 1' "$SCRATCH/fake/$ID/state.json" >"$SCRATCH/fake/$ID/new"
	mv "$SCRATCH/fake/$ID/new" "$SCRATCH/fake/$ID/state.json"
	same "$(listed length)" 0
	file_has "$SCRATCH/listed.err" 'called hvrun-vmwp.*left out'
	no_more "$SCRATCH/fake"
	# a directory of a user's, or that others can write to
	OWNER=1000 pretend "$SCRATCH/fake"
	same "$(listed length)" 0
	no_more "$SCRATCH/fake"
	pretend "$SCRATCH/fake"
	chmod 777 "$SCRATCH/fake"
	same "$(listed length)" 0
	no_more "$SCRATCH/fake"
	# root in a mount namespace of its own, as a container is, in a directory that is here as well, and in one that is not
	pretend "$SCRATCH/fake" unshare -m
	[ -e "$SCRATCH/fake/$ID/state.json" ]
	same "$(listed length)" 0
	no_more "$SCRATCH/fake"
	mkdir "$SCRATCH/mount"
	pretend "$SCRATCH/mount/fake" unshare -m sh -c 'mount -t tmpfs none "$0" && exec "$@"' "$SCRATCH/mount"
	[ ! -e "$SCRATCH/mount/fake" ]
	same "$(listed length)" 0
	file_has "$SCRATCH/listed.err" 'called hvrun-vmwp.*left out'
}

@test "--all-roots: without privileges it is refused" {
	skip_unless "setpriv is needed" hash setpriv || return
	try setpriv --reuid 1000 --regid 1000 --clear-groups "$HVRUN" --root /nowhere list --all-roots
	refused "all-roots: only root"
}
