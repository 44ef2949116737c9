# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2034,SC2153,SC2154 # jq programs, and names that the libraries set and use
# runtime-spec 1.3.0 config.md, "Annotations", "Extensibility" and "Valid values".

load spec

@test "config.md#annotations: a map" {
	for value in '["a"]' '"a"' 1 true; do
		config '.annotations = $value' --argjson value "$value"
		invalid annotations
	done
	config '.annotations = {}'
	valid
}

@test "config.md#annotations: a key is not empty" {
	config '.annotations = {"": "value"}'
	invalid annotations
}

@test "config.md#annotations: unknown keys are ignored" {
	config '.annotations = {"org.example.unknown": "x", "org.opencontainers.future": "y", "z": ""}'
	valid
}

@test "config.md#annotations: values are strings" {
	for value in 1 true null '{}' '["a"]'; do
		config '.annotations = {"org.example": $value}' --argjson value "$value"
		invalid annotations
	done
}

@test "config.md#extensibility: unknown properties are ignored" {
	config '.unknown = {"a": [1, null]} | .process.unknown = 1 | .process.user.unknown = "x" | .root.unknown = [] | .mounts[0].unknown = {}
		| .linux.unknown = true | .linux.namespaces[0].unknown = "" | .linux.resources.unknown = {"limit": 1}'
	process /bin/init exit 5
	try hv run "$ID"
	status_is 5
}

@test "config.md#valid-values: an invalid or unsupported value is an error" {
	# one of each kind: wrong type, out of range, not in the list, malformed
	cp config.json valid.json
	while read -r name program; do
		cp valid.json config.json
		config "$program"
		invalid "$name"
	done <<-'END'
		process.terminal .process.terminal = "yes"
		process.user.uid .process.user.uid = -1
		process.user.uid .process.user.uid = 4294967296
		process.user.umask .process.user = {"uid": 0, "gid": 0, "umask": "022"}
		process.args .process.args = ["a", 1]
		process.scheduler.policy .process.scheduler = {"policy": "SCHED_NONE"}
		process.ioPriority.class .process.ioPriority = {"class": "IOPRIO_CLASS_NONE_SUCH", "priority": 1}
		linux.namespaces .linux.namespaces[0].type = "universe"
		linux.rootfsPropagation .linux.rootfsPropagation = "none"
		linux.resources.pids.limit .linux.resources.pids.limit = 1.5
		linux.seccomp.defaultAction .linux.seccomp = {"defaultAction": "SCMP_ACT_PERHAPS"}
		linux.memoryPolicy.mode .linux.memoryPolicy = {"mode": "MPOL_NONE"}
		linux.personality.domain .linux.personality = {"domain": "SOLARIS"}
		env .process.env = ["NO_EQUALS_SIGN"]
	END
}
