# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2034,SC2153,SC2154 # jq programs, and names that the libraries set and use
# runtime-spec 1.3.0 config-linux.md, "Seccomp" and "The Container Process State".

load spec

AGENT=$HVTEST_BIN/bats/helpers/agent

# The agent goes before the library looks for what is left.
eval "lib_$(declare -f teardown)"
teardown()
{
	[ -z "${AGENT_PID-}" ] || kill "$AGENT_PID"
	lib_teardown
}

# A container whose mkdir is asked of the agent. An agent reads each connection to its end: what it has saved is all that came.
notified()
{
	not_hyperv "a listener on the host cannot serve a guest's kernel"
	SOCKET=$SCRATCH/agent.sock
	mkdir "$SCRATCH/agent"
	config '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": $socket, "listenerMetadata": "data", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_NOTIFY"}]}' \
		--arg socket "$SOCKET"
	"$AGENT" "$SOCKET" "$SCRATCH/agent" >"$SCRATCH/agent.out" 2>&1 3>&- 4>&- &
	AGENT_PID=$!
	eventually file_has "$SCRATCH/agent.out" listening
	process /bin/init all seccomp-test mkdir , pause
	background "$ID"
	STATE=$SCRATCH/agent/state.1
	[ -s "$STATE" ]
}

# A profile with one rule: "profile RULE"
profile()
{
	config ".linux.seccomp = {\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [$1]}"
}

@test "config-linux.md#seccomp: defaultAction is required" {
	profile '{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO"}'
	required linux.seccomp.defaultAction
}

@test "config-linux.md#seccomp: a defaultErrnoRet that the action does not take is an error" {
	for action in SCMP_ACT_ALLOW SCMP_ACT_KILL_PROCESS SCMP_ACT_LOG SCMP_ACT_TRAP; do
		config '.linux.seccomp = {"defaultAction": $action, "defaultErrnoRet": 5}' --arg action "$action"
		invalid 'linux.seccomp.defaultErrnoRet'
	done
}

@test "config-linux.md#seccomp: listenerPath is a stream socket of AF_UNIX" {
	notified
	has_file=$(ss -xl 2>/dev/null | grep -F "$SOCKET" || true)
	[ -z "$has_file" ] || grep -q u_str <<<"$has_file"
	[ -S "$SOCKET" ]
}

@test "config-linux.md#seccomp: one state per connection" {
	notified
	same "$(jq -s length "$STATE")" 1
	[ ! -e "$SCRATCH/agent/state.2" ]
}

@test "config-linux.md#seccomp: the connection is not used again, and closed" {
	notified
	hv exec "$ID" /bin/init exit 0
	# the second process came by a connection of its own, and both were read to their ends
	same "$(jq -s length "$STATE")" 1
	same "$(jq -s length "$SCRATCH/agent/state.2")" 1
}

@test "config-linux.md#seccomp: a listener that cannot be reached is an error" {
	not_hyperv "a listener on the host cannot serve a guest's kernel"
	config '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": $socket, "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]}' \
		--arg socket "$SCRATCH/nobody.sock"
	invalid "$SCRATCH/nobody.sock"
}

@test "config-linux.md#seccomp: seccompFd is among the descriptors' names" {
	notified
	same "$(jq -c .fds "$STATE")" '["seccompFd"]'
	same "$(<"$SCRATCH/agent/fds.1")" 1
}

@test "config-linux.md#seccomp: listenerMetadata without listenerPath is an error" {
	config '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "listenerMetadata": "data"}'
	invalid linux.seccomp.listenerMetadata
}

@test "config-linux.md#seccomp: a rule's names are required" {
	profile '{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO"}'
	required 'linux.seccomp.syscalls[0].names'
}

@test "config-linux.md#seccomp: names has an entry" {
	profile '{"names": [], "action": "SCMP_ACT_ERRNO"}'
	invalid 'linux.seccomp.syscalls\[0\].names'
}

@test "config-linux.md#seccomp: a rule's action is required" {
	profile '{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO"}'
	required 'linux.seccomp.syscalls[0].action'
}

@test "config-linux.md#seccomp: an errnoRet that the action does not take is an error" {
	for action in SCMP_ACT_ALLOW SCMP_ACT_KILL_PROCESS SCMP_ACT_LOG SCMP_ACT_TRAP; do
		config '.linux.seccomp = {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["mkdir"], "action": $action, "errnoRet": 5}]}' --arg action "$action"
		invalid 'linux.seccomp.syscalls\[0\].errnoRet'
	done
}

rule_with_argument()
{
	profile '{"names": ["socket"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]}'
}

@test "config-linux.md#seccomp: an argument's index is required" {
	rule_with_argument
	required 'linux.seccomp.syscalls[0].args[0].index'
}

@test "config-linux.md#seccomp: an argument's value is required" {
	rule_with_argument
	required 'linux.seccomp.syscalls[0].args[0].value'
}

@test "config-linux.md#seccomp: an argument's op is required" {
	rule_with_argument
	required 'linux.seccomp.syscalls[0].args[0].op'
}

@test "config-linux.md#the-container-process-state: JSON as the payload, descriptors by SCM_RIGHTS" {
	notified
	jq -e 'type == "object"' "$STATE"
	same "$(<"$SCRATCH/agent/fds.1")" 1
	grep -qx 'call mkdir: ENOMEDIUM' "$SCRATCH/$ID.out" # the agent answers by the descriptor that came
}

@test "config-linux.md#the-container-process-state: the descriptors come once" {
	notified
	# of all the messages of the connection
	same "$(<"$SCRATCH/agent/fds.1")" "$(jq '.fds | length' "$STATE")"
}

@test "config-linux.md#the-container-process-state: ociVersion is there" {
	notified
	jq -e '.ociVersion | type == "string" and test("^1\\.[0-9]+\\.[0-9]+$")' "$STATE"
}

@test "config-linux.md#the-container-process-state: pid is there, as the runtime sees it" {
	notified
	same "$(jq .pid "$STATE")" "$(container_pid "$ID")"
}

@test "config-linux.md#the-container-process-state: state is there" {
	notified
	jq -e --arg id "$ID" --arg bundle "$BUNDLE" '.state | .id == $id and .bundle == $bundle and (.ociVersion | test("^1\\.")) and .status == "creating" and .pid > 1' "$STATE"
}
