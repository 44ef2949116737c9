# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016,SC2154 # jq programs, and names that lib.bash sets
# update --runtime-type: a created container, from the type under test to the other one.

load lib

case $RUNTIME_TYPE in
Default) OTHER=HyperV ;;
HyperV) OTHER=Default ;;
esac

setup_test()
{
	only_hvrun
	needs_machines
	process /bin/init all uname-r , hostname
	config '.hostname = "here" | .annotations = {"a": "b", "io.hvrun.runtime-type": $t}' --arg t "$RUNTIME_TYPE"
}

# As create in lib.bash, without an operator's word: annotations and update decide.
created()
{
	status=0
	plain create --pid-file "$SCRATCH/pid" "$@" "$ID" >"$SCRATCH/$ID.out" 2>"$SCRATCH/$ID.err" </dev/null || status=$?
	output=$(<"$SCRATCH/$ID.out") errors=$(<"$SCRATCH/$ID.err")
	status_is 0
}

member()
{
	plain state "$ID" | jq -r ".$1"
}

change()
{
	status=0
	plain update "$@" "$ID" >"$SCRATCH/update.out" 2>"$SCRATCH/update.err" </dev/null || status=$?
	output=$(<"$SCRATCH/update.out") errors=$(<"$SCRATCH/update.err")
}

# What the container printed, whoever had its streams: create's file, or update's.
printed()
{
	cat "$SCRATCH/$ID.out" "$SCRATCH/update.out" | grep -qE -- "$1"
}

@test "a created container becomes the other type, and runs as that" {
	created
	old=$(member pid) time=$(member created)
	change --runtime-type "${OTHER,,}" --pid-file "$SCRATCH/new.pid"
	status_is 0
	no_errors
	same "$(member runtimeType) $(member status)" "$OTHER created"
	same "$(member annotations.a) $(member 'annotations["io.hvrun.runtime-type"]')" "b $OTHER" annotations
	same "$(member created)" "$time" "time of creation"
	same "$(<"$SCRATCH/new.pid")" "$(member pid)" "pid file"
	is_gone "$old" || fail "the old process is still there"
	isolation=namespaces
	[ "$OTHER" != HyperV ] || isolation=vm
	[[ $(member isolation) == $isolation* ]] || fail "isolation: $(member isolation)"
	try plain list
	grep -qE "^$ID .* $OTHER +$isolation" <<<"$output" || fail "list does not show it"
	try plain start "$ID"
	status_is 0
	eventually is_state "$ID" stopped
	eventually printed '^hostname: here'
	if [ "$OTHER" = Default ]; then
		printed "^release: $(uname -r)$"
	else
		not printed "^release: $(uname -r)$"
	fi
	# the streams of a Default container are kept
	[ "$OTHER" = Default ] || file_has "$SCRATCH/$ID.out" '^hostname: here'
	plain delete "$ID"
}

@test "there and back again; the same type changes nothing" {
	created
	change --runtime-type "$OTHER"
	status_is 0
	change --runtime-type "$RUNTIME_TYPE"
	status_is 0
	same "$(member runtimeType) $(member status)" "$RUNTIME_TYPE created"
	old=$(member pid)
	change --runtime-type "$RUNTIME_TYPE"
	status_is 0
	same "$(member pid)" "$old" "process"
	try plain start "$ID"
	status_is 0
	eventually printed '^hostname: here'
}

@test "hooks run as for delete and create; the configuration is the one of create" {
	config '.hooks = ({"prestart": 1, "createRuntime": 1, "poststop": 1} | with_entries(.key as $k | .value =
		[{"path": "/bin/sh", "args": ["sh", "-c", "jq -r .status | sed s/^/\($k):/ >>\($log)"]}]))' --arg log "$SCRATCH/hooks"
	created
	echo '{}' >config.json
	change --runtime-type "$OTHER"
	status_is 0
	plain delete -f "$ID"
	same "$(paste -sd, "$SCRATCH/hooks")" \
		prestart:creating,createRuntime:creating,poststop:stopped,prestart:creating,createRuntime:creating,poststop:stopped hooks
}

@test "a stopped container is created anew; a running or paused one is refused" {
	process /bin/init pause
	created
	plain start "$ID"
	old=$(member pid)
	change --runtime-type "$OTHER"
	refused "it is running"
	same "$(member pid) $(member runtimeType)" "$old $RUNTIME_TYPE"
	plain kill "$ID" KILL
	eventually is_state "$ID" stopped
	change --runtime-type "$OTHER"
	status_is 0
	same "$(member runtimeType) $(member status)" "$OTHER created"
	change --runtime-type none
	refused "not a runtime type" Default HyperV
	change --pid-file "$SCRATCH/x"
	refused "only with --runtime-type"
}

@test "what the other type cannot run leaves everything as it was" {
	# an architecture that no guest here is for; a VM that there is no leave to emulate
	created
	old=$(member pid)
	if [ "$OTHER" = HyperV ]; then
		status=0
		"$HVRUN" --root "$ROOT" --vm-accel kvm update --runtime-type HyperV "$ID" 2>"$SCRATCH/err" || status=$?
		skip_unless "KVM can be used" test "$status" != 0
		file_has "$SCRATCH/err" "KVM cannot be used"
	else
		plain delete -f "$ID"
		config '.vm = {"kernel": {"path": $k}} | del(.annotations)' --arg k "${HVRUN%/*}/guest/vmlinux"
		created
		old=$(member pid)
		change --runtime-type Default
		refused "a section that needs HyperV"
	fi
	same "$(member pid) $(member runtimeType) $(member status)" "$old $RUNTIME_TYPE created"
}

@test "when the new one fails half-way the old one is created again; it is never lost" {
	config '.hooks.createRuntime = [{"path": "/bin/sh", "args": ["sh", "-c", "test ! -e \($f)"]}]' --arg f "$SCRATCH/fail"
	created
	# both fail: it has stopped, and can be deleted or tried again
	touch "$SCRATCH/fail"
	change --runtime-type "$OTHER"
	status_is 1
	errors_have "runtime type $OTHER" "has stopped"
	same "$(member runtimeType) $(member status) $(member pid)" "$RUNTIME_TYPE stopped 0"
	rm "$SCRATCH/fail"
	change --runtime-type "$OTHER"
	status_is 0
	same "$(member runtimeType) $(member status)" "$OTHER created"
	plain delete -f "$ID"
	# the new one alone fails: its hook is the second of three
	config '.hooks.createRuntime = [{"path": "/bin/sh", "args": ["sh", "-c", "echo x >>\($f); test $(wc -l <\($f)) != 2"]}]' --arg f "$SCRATCH/count"
	created
	change --runtime-type "$OTHER"
	status_is 1
	errors_have "was created as $RUNTIME_TYPE again"
	same "$(member runtimeType) $(member status)" "$RUNTIME_TYPE created"
	try plain start "$ID"
	status_is 0
	eventually is_state "$ID" stopped
}

@test "a terminal needs a console socket; a pod's containers are refused" {
	config '.annotations += {"io.kubernetes.cri.container-type": "sandbox"}'
	created
	change --runtime-type "$OTHER"
	refused "belongs to a pod"
	plain delete -f "$ID"
	config 'del(.annotations) | .process.terminal = true'
	"$CONSOLE" receive "$SCRATCH/console.sock" >"$SCRATCH/console.out" 2>&1 </dev/null 3>&- 4>&- &
	eventually test -S "$SCRATCH/console.sock"
	status=0
	hv create --console-socket "$SCRATCH/console.sock" "$ID" </dev/null >/dev/null 2>&1 || status=$?
	status_is 0
	old=$(member pid)
	change --runtime-type "$OTHER"
	refused "console"
	same "$(member pid) $(member runtimeType)" "$old $RUNTIME_TYPE"
}
