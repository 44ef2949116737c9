# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2034,SC2153,SC2154 # jq programs, and names that the libraries set and use
# runtime-spec 1.3.0 runtime.md, "Scope of a Container" and "State".

load spec

@test "runtime.md#scope-of-a-container: who creates a container can operate on it" {
	process /bin/init signal-wait
	create "$ID"
	status_is 0
	cd /
	is_state "$ID" created
	try hv start "$ID"
	status_is 0
	eventually file_has "$SCRATCH/$ID.out" ready
	try hv kill "$ID" TERM
	status_is 0
	eventually is_state "$ID" stopped
	try hv delete "$ID"
	status_is 0
}

# A container in each state in turn, and what "state" says of it: "in_each_state JQ-CONDITION"
in_each_state()
{
	local expected
	process /bin/init signal-wait
	config '.annotations = {"org.example": "value"}'
	create "$ID"
	for expected in created running stopped; do
		eventually is_state "$ID" "$expected" || return 1
		try hv state "$ID"
		jq -e --arg id "$ID" --arg bundle "$BUNDLE" --arg expected "$expected" "$1" <<<"$output" >/dev/null ||
			fail "in state $expected this does not hold: $1" || return 1
		case $expected in
		created) hv start "$ID" && eventually file_has "$SCRATCH/$ID.out" ready || return 1 ;;
		running) hv kill "$ID" TERM || return 1 ;;
		esac
	done
}

@test "runtime.md#state: ociVersion is there" {
	in_each_state '.ociVersion | type == "string" and test("^1\\.[0-9]+\\.[0-9]+$")'
}

@test "runtime.md#state: id is there" {
	in_each_state '.id == $id'
}

@test "runtime.md#state: an id is one container's" {
	paused
	try hv create "$ID"
	refused "$ID|already exists"
	same "$(hv list -q | grep -cxF "$ID")" 1
	is_state "$ID" running
}

@test "runtime.md#state: status is there" {
	in_each_state '.status == $expected'
}

@test "runtime.md#state: a status of our own is none of the specified states" {
	# paused is ours: a state that creating, created, running and stopped do not cover
	paused
	try hv pause "$ID"
	status_is 0
	is_state "$ID" paused
	hv resume "$ID"
	is_state "$ID" running
}

@test "runtime.md#state: pid is there while created and running" {
	in_each_state 'if $expected == "stopped" then true else (.pid | type == "number" and . > 1) end'
}

@test "runtime.md#state: bundle is there and absolute" {
	mkdir "$SCRATCH/elsewhere"
	cd "$SCRATCH/elsewhere"
	create "$ID" --bundle ../bundle
	status_is 0
	same "$(hv state "$ID" | jq -r .bundle)" "$BUNDLE" bundle
	hv delete -f "$ID"
	cd "$BUNDLE"
	in_each_state '.bundle == $bundle and (.bundle | startswith("/"))'
}

@test "runtime.md#state: the serialized state has the schema's types" {
	in_each_state '(.ociVersion | type == "string") and (.id | type == "string") and (.bundle | type == "string")
		and (.status | IN("creating", "created", "running", "stopped")) and (.pid | type == "number" and . >= 0 and . == floor)
		and (.annotations | type == "object" and all(.[]; type == "string"))'
}
