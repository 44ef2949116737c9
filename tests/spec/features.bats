# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2034,SC2153,SC2154 # jq programs, and names that the libraries set and use
# runtime-spec 1.3.0 features.md and features-linux.md. What is listed is tried: each element in a configuration.

load spec

setup_test()
{
	try hv features
	status_is 0
	FEATURES=$output
}

feature()
{
	jq -r "$1" <<<"$FEATURES"
}

@test "features.md#features-structure: nothing is null that means empty" {
	jq -e '[paths(. == null)] == []' <<<"$FEATURES"
}

@test "features.md#specification-version: ociVersionMin is there" {
	jq -e '.ociVersionMin | type == "string" and test("^[0-9]+\\.[0-9]+\\.[0-9]+$")' <<<"$FEATURES"
}

@test "features.md#specification-version: ociVersionMin is accepted" {
	config '.ociVersion = $version' --arg version "$(feature .ociVersionMin)"
	valid
}

@test "features.md#specification-version: ociVersionMax is there" {
	jq -e '.ociVersionMax | type == "string" and test("^[0-9]+\\.[0-9]+\\.[0-9]+")' <<<"$FEATURES"
}

@test "features.md#specification-version: ociVersionMax is accepted" {
	config '.ociVersion = $version' --arg version "$(feature .ociVersionMax)"
	valid
}

@test "features.md#specification-version: ociVersionMax is not below ociVersionMin" {
	same "$(printf '%s\n' "$(feature .ociVersionMin)" "$(feature .ociVersionMax)" | sort -V | head -n 1)" "$(feature .ociVersionMin)"
}

@test "features.md#specification-version: no property that the specification does not define" {
	jq -e '(keys - ["ociVersionMin", "ociVersionMax", "hooks", "mountOptions", "linux", "annotations", "potentiallyUnsafeConfigAnnotations"] == [])
		and (.linux | keys - ["namespaces", "capabilities", "cgroup", "seccomp", "apparmor", "selinux", "intelRdt", "memoryPolicy", "mountExtensions", "netDevices"] == [])
		and (.linux.cgroup | keys - ["v1", "v2", "systemd", "systemdUser", "rdma"] == [])
		and (.linux.seccomp | keys - ["enabled", "actions", "operators", "archs", "knownFlags", "supportedFlags"] == [])
		and (.linux.intelRdt // {} | keys - ["enabled", "schemata", "monitoring"] == [])
		and (.linux.memoryPolicy // {} | keys - ["modes", "flags"] == [])
		and ([.linux.apparmor, .linux.selinux, .linux.netDevices] | all((. // {} | keys) - ["enabled"] == []))
		and (.linux.mountExtensions // {} | keys - ["idmap"] == [])' <<<"$FEATURES"
}

@test "features.md#hooks: each kind is supported" {
	mkdir rootfs/log
	config '.root.readonly = false'
	for kind in $(feature '.hooks[]'); do
		place=$SCRATCH
		[ "$kind" != startContainer ] || place=/log
		config '.hooks[$kind] = [{"path": "/bin/sh", "args": ["sh", "-c", ("echo >" + $file)]}]' --arg kind "$kind" --arg file "$place/$kind.ran"
	done
	valid
	for kind in $(feature '.hooks[]'); do
		[ -e "$SCRATCH/$kind.ran" ] || [ -e "rootfs/log/$kind.ran" ] || fail "$kind"
	done
}

@test "features.md#mount-options: each option is recognized" {
	mkdir "$SCRATCH/volume"
	# a bind mount has no file system of its own to which an unknown option could go
	config '.root.readonly = false | .mounts += [$ARGS.positional[] | select(IN("remount", "idmap", "ridmap", "tmpcopyup") | not)
		| {"destination": ("/mnt/" + .), "type": "bind", "source": $volume, "options": (["rbind", .] | unique)}]' \
		--arg volume "$SCRATCH/volume" --args -- $(feature '.mountOptions[]')
	config '.mounts += [{"destination": "/tmpfs", "type": "tmpfs", "source": "tmpfs", "options": ["tmpcopyup"]}, {"destination": "/tmpfs", "type": "tmpfs", "source": "tmpfs", "options": ["remount", "ro"]}]'
	valid
}

@test "features.md#annotations: a map of strings" {
	jq -e '.annotations | type == "object" and all(.[]; type == "string") and (has("") | not)' <<<"$FEATURES"
}

@test "features-linux.md#namespaces: each type is recognized" {
	types=$(feature '.linux.namespaces[]')
	chown -R 100000:100000 rootfs
	chmod 755 "$SCRATCH"
	config '.linux.namespaces = [$ARGS.positional[] | {"type": .}] | .linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]
		| .linux.gidMappings = .linux.uidMappings' --args -- $types
	valid
}

@test "features-linux.md#capabilities: each one is recognized" {
	config '.process.capabilities = {"bounding": $ARGS.positional}' --args -- $(feature '.linux.capabilities[]')
	try hv --log "$SCRATCH/log" run "$ID"
	status_is 0
	# a warning may say that the kernel does not have it, or that we may not grant it, not that the name is unknown
	not grep -qiE 'unknown|not a capability' "$SCRATCH/log"
}


@test "features-linux.md#seccomp: each action is recognized" {
	for value in $(feature '.linux.seccomp.actions[]'); do
		config '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["acct"], "action": $value}]}' --arg value "$value"
		if [ "$value" = SCMP_ACT_NOTIFY ]; then
			# recognized, and in want of a listener
			try hv create "$ID"
			status_is 1
			errors_have "listenerPath|SCMP_ACT_NOTIFY"
			continue
		fi
		valid || fail "$value" || return 1
	done
}

@test "features-linux.md#seccomp: each operator is recognized" {
	config '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [$ARGS.positional[] |
		{"names": ["acct"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 1, "valueTwo": 1, "op": .}]}]}' \
		--args -- $(feature '.linux.seccomp.operators[]')
	valid
}

@test "features-linux.md#seccomp: each architecture is recognized" {
	# one by one, for one filter has one byte order
	for value in $(feature '.linux.seccomp.archs[]'); do
		config '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": [$value], "syscalls": [{"names": ["acct"], "action": "SCMP_ACT_ERRNO"}]}' --arg value "$value"
		try hv create "$ID"
		if [ "$status" = 0 ]; then
			hv delete -f "$ID"
		else
			# known, but not to be had beside this machine's own
			errors_have "libseccomp cannot filter $value here" || return 1
		fi
	done
}

@test "features-linux.md#seccomp: each known flag is recognized" {
	for value in $(feature '.linux.seccomp.knownFlags[]'); do
		config '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "flags": [$value], "syscalls": [{"names": ["acct"], "action": "SCMP_ACT_ERRNO"}]}' --arg value "$value"
		try hv run "$ID"
		[ "$status" = 0 ] || not grep -qiE 'unknown|not one of' <<<"$errors" || return 1
	done
}

@test "features-linux.md#seccomp: each supported flag is supported" {
	for value in $(feature '.linux.seccomp.supportedFlags[]'); do
		config '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "flags": [$value], "syscalls": [{"names": ["acct"], "action": "SCMP_ACT_ERRNO"}]}' --arg value "$value"
		valid || fail "$value" || return 1
	done
}

@test "features-linux.md#memorypolicy: each mode is recognized" {
	for value in $(feature '.linux.memoryPolicy.modes[]'); do
		config '.linux.memoryPolicy = {"mode": $value} | if $value | IN("MPOL_DEFAULT", "MPOL_LOCAL") then . else .linux.memoryPolicy.nodes = "0" end' --arg value "$value"
		try hv run "$ID"
		# an older kernel may not have it; the name is known all the same
		[ "$status" = 0 ] || not grep -qiE 'is not (one of|a valid)' <<<"$errors" || return 1
	done
}

@test "features-linux.md#memorypolicy: each flag is recognized" {
	for value in $(feature '.linux.memoryPolicy.flags[]'); do
		config '.linux.memoryPolicy = {"mode": "MPOL_BIND", "nodes": "0", "flags": [$value]}' --arg value "$value"
		try hv run "$ID"
		[ "$status" = 0 ] || not grep -qiE 'is not (one of|a valid)' <<<"$errors" || return 1
	done
}

@test "features-linux.md#mountextensions: idmap is true, as mappings of mounts are recognized" {
	same "$(feature .linux.mountExtensions.idmap.enabled)" true
}
