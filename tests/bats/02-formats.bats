# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# What other programs parse: spec, features, state and list.

load lib

@test "spec writes a standard configuration that runs, and never over another" {
	mkdir "$SCRATCH/new"
	try hv spec --bundle "$SCRATCH/new"
	status_is 0
	no_errors
	jq -e '.ociVersion and (.process.args == ["sh"]) and .process.terminal and .process.noNewPrivileges
		and (.process.cwd == "/") and (.root == {"path": "rootfs", "readonly": true})
		and ([.linux.namespaces[].type] | contains(["pid", "network", "ipc", "uts", "mount"]))
		and ([.mounts[].destination] | contains(["/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys"]))
		and (.linux.maskedPaths | contains(["/proc/kcore", "/sys/firmware"]))
		and (.linux.readonlyPaths | contains(["/proc/sys", "/proc/sysrq-trigger"]))
		and (.process.capabilities | has("ambient") or true)' "$SCRATCH/new/config.json"
	before=$(md5sum "$SCRATCH/new/config.json")
	try hv spec --bundle "$SCRATCH/new"
	status_is 1
	errors_have "config.json exists. Remove it first"
	same "$(md5sum "$SCRATCH/new/config.json")" "$before" "config.json"
}

# The configuration in $SCRATCH/NAME, written by spec with these options: "spec_of NAME [OPTION...]"
spec_of()
{
	mkdir "$SCRATCH/$1"
	try plain spec --bundle "$SCRATCH/$1" "${@:2}"
	status_is 0
	no_errors
}

@test "spec without --bundle writes here; --rootless maps the caller's ids" {
	mkdir "$SCRATCH/here"
	cd "$SCRATCH/here"
	try plain spec --rootless
	status_is 0
	jq -e '([.linux.namespaces[].type] | contains(["user"]) and (contains(["network"]) | not))
		and .linux.uidMappings[0].containerID == 0 and .linux.uidMappings[0].size == 1
		and (.linux.resources == null)' config.json
}

@test "spec --runtime-type: an annotation, and with --rootless the network of a virtual machine" {
	only_hvrun
	spec_of standard
	spec_of rootless --rootless
	for type in Default hyperv Auto; do
		spec_of "$type" --runtime-type "$type"
		# but for the annotation, the standard's
		same "$(jq -S 'del(.annotations)' "$SCRATCH/$type/config.json")" "$(jq -S . "$SCRATCH/standard/config.json")" "$type"
	done
	same "$(jq -c .annotations "$SCRATCH/hyperv/config.json")" "{\"$ANNOTATION\":\"HyperV\"}"
	spec_of rootless-default --rootless --runtime-type Default
	same "$(jq -S 'del(.annotations)' "$SCRATCH/rootless-default/config.json")" "$(jq -S . "$SCRATCH/rootless/config.json")"
	for type in HyperV Auto; do
		spec_of "rootless-$type" --rootless --runtime-type "$type"
		jq -e --arg type "$type" --arg key "$ANNOTATION" --slurpfile plain "$SCRATCH/rootless/config.json" '.annotations == {($key): $type}
			and ([.linux.namespaces[].type] - [$plain[0].linux.namespaces[].type] == ["network"])
			and ((.mounts - $plain[0].mounts) | map([.destination, .type]) == [["/sys", "sysfs"]])
			and (del(.annotations, .mounts, .linux.namespaces) == ($plain[0] | del(.mounts, .linux.namespaces)))' "$SCRATCH/rootless-$type/config.json"
	done
	# before the verb it is for all verbs, and the file need not say it
	mkdir "$SCRATCH/operator"
	try plain --runtime-type HyperV spec --rootless --bundle "$SCRATCH/operator"
	status_is 0
	same "$(jq -S . "$SCRATCH/operator/config.json")" "$(jq -S 'del(.annotations)' "$SCRATCH/rootless-HyperV/config.json")"
	mkdir "$SCRATCH/none"
	try plain spec --bundle "$SCRATCH/none" --runtime-type VM
	refused --runtime-type VM Default HyperV
	[ -z "$(ls -A "$SCRATCH/none")" ]
}

@test "the generated configuration runs as it is but for its process" {
	run_ok
	output_is ""
	no_errors
}

@test "features: what the specification asks, and nothing on stderr" {
	try hv features
	status_is 0
	no_errors
	jq -e '(.ociVersionMin | test("^1\\.")) and (.ociVersionMax | test("^1\\."))
		and (.hooks == ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"])
		and (.mountOptions | contains(["ro", "rbind", "nosuid", "rprivate"]))
		and (.linux.namespaces | contains(["cgroup", "ipc", "mount", "network", "pid", "user", "uts"]))
		and (.linux.capabilities | contains(["CAP_KILL", "CAP_SYS_ADMIN"]))
		and (.linux.cgroup | has("v1") and has("v2"))
		and .linux.seccomp.enabled
		and (.linux.seccomp.actions | contains(["SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO"]))' <<<"$output"
}

@test "features: both runtime types and the annotation" {
	only_hvrun
	try hv features
	jq -e --arg key "$ANNOTATION" '[.. | strings] | any(test("HyperV")) and any(test("Default"))' <<<"$output"
	jq -e --arg key "$ANNOTATION" '.potentiallyUnsafeConfigAnnotations | any(. as $p | $key | startswith($p))' <<<"$output"
	[ "$(jq -r .ociVersionMax <<<"$output")" = 1.3.0 ]
}

@test "state: every field of the specification" {
	process /bin/init signal-wait
	config '.annotations = {"org.example.key": "value", "org.example.other": "ü \"quoted\""}'
	create "$ID"
	for expected in created running stopped; do
		try hv state "$ID"
		status_is 0
		no_errors
		jq -e --arg id "$ID" --arg status "$expected" --arg bundle "$BUNDLE" '
			(.ociVersion | test("^1\\.")) and .id == $id and .status == $status and .bundle == $bundle
			and .rootfs == $bundle + "/rootfs"
			and .annotations["org.example.key"] == "value" and .annotations["org.example.other"] == "ü \"quoted\""
			and (.created | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\\.[0-9]+)?Z$"))
			and (if $status == "stopped" then .pid == 0 else .pid > 1 end)' <<<"$output"
		case $expected in
		created)
			hv start "$ID"
			eventually file_has "$SCRATCH/$ID.out" ready
			;;
		running)
			hv kill "$ID" TERM
			eventually is_state "$ID" stopped
			;;
		esac
	done
}

@test "list: table, JSON and ids" {
	try hv list
	status_is 0
	same "$(wc -l <<<"$output")" 1 "lines of an empty table"
	try hv list -f json
	output_is null

	process /bin/init pause
	background "$ID"
	try hv list
	status_is 0
	grep -qE '^ID +PID +STATUS +.*BUNDLE +CREATED' <<<"$output"
	grep -qE "^$ID +$(container_pid "$ID") +running .*$BUNDLE +[0-9]{4}-" <<<"$output"
	try hv list -f json
	same "$(jq -r '.[0] | "\(.id) \(.status) \(.bundle) \(.pid)"' <<<"$output")" "$ID running $BUNDLE $(container_pid "$ID")" "list"
	jq -e '.[0] | has("ociVersion") and has("rootfs") and has("created") and has("owner")' <<<"$output"
	try hv list -q
	output_is "$ID"
	try hv list -f yaml
	status_is 1
	errors_have "format|yaml"
}
