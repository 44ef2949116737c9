# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# Whatever is wrong: one clear line on stderr, exit 1, and the machine as it was.

load lib

setup_test()
{
	BEFORE=$(snapshot)
}

# Both ways into a container refuse, with a line that says each text.
both_refuse()
{
	local verb
	for verb in create run; do
		try hv "$verb" "$ID"
		refused "$@" || return 1
		machine_unchanged "$BEFORE" || return 1
	done
}

@test "no config.json, an empty one, a directory" {
	rm config.json
	both_refuse "JSON specification file config.json not found"
	: >config.json
	both_refuse "config.json|EOF|JSON"
	rm config.json
	mkdir config.json
	both_refuse "config.json|is a directory"
}

@test "no bundle" {
	try hv run --bundle /no/such/bundle "$ID"
	refused "/no/such/bundle|no such file or directory"
	machine_unchanged "$BEFORE"
}

@test "broken JSON" {
	for text in '{' '{"ociVersion": }' 'nonsense' '[]' '"text"' '{"ociVersion": "1.0.0"} x' '{"ociVersion": "1.0.0",}'; do
		printf '%s' "$text" >config.json
		try hv run "$ID"
		status_is 1
		output_is ""
		[ "$(grep -c . <<<"$errors")" -ge 1 ]
		! is_hvrun || [ "$(grep -c . <<<"$errors")" = 1 ]
	done
	machine_unchanged "$BEFORE"
}

@test "wrong types name the field" {
	only_hvrun
	cp config.json "$SCRATCH/good.json"
	while read -r field program; do
		jq "$program" "$SCRATCH/good.json" >config.json
		try hv create "$ID"
		refused "$field"
	done <<-'CASES'
		ociVersion .ociVersion=1
		missing."ociVersion" del(.ociVersion)
		process.args\[1\] .process.args=["a",7]
		process.args .process.args="sh"
		process:.missing."cwd" del(.process.cwd)
		process.env\[0\] .process.env=[{}]
		process.terminal .process.terminal="yes"
		process.user.uid .process.user.uid=-1
		process.user.gid .process.user.gid="root"
		process.rlimits\[0\].type .process.rlimits[0].type="RLIMIT_X"
		root:.missing."path" .root.path=null
		root.readonly .root.readonly=1
		mounts\[0\]:.missing."destination" .mounts[0]={}
		mounts\[1\].options .mounts[1].options="ro"
		hostname .hostname=[]
		linux.namespaces\[1\].type .linux.namespaces[1].type="pidd"
		linux.resources.pids.limit .linux.resources.pids={"limit":"many"}
		linux.resources.memory.limit .linux.resources.memory={"limit":1.5}
		linux.maskedPaths\[0\] .linux.maskedPaths=[1]
		linux.seccomp.defaultAction .linux.seccomp={"defaultAction":"x"}
		hooks.prestart\[0\]:.missing."path" .hooks={"prestart":[{}]}
		annotations .annotations=[]
		linux.devices\[0\].type .linux.devices=[{"path":"/dev/x","type":"q"}]
		linux .linux="x"
	CASES
	machine_unchanged "$BEFORE"
}

@test "a missing root file system" {
	mv rootfs elsewhere
	both_refuse "rootfs|no such file or directory"
}

@test "a pid file that cannot be written" {
	for verb in create run; do
		try hv "$verb" --pid-file "$SCRATCH/no/such/dir/pid" "$ID"
		status_is 1
		errors_have "no/such/dir|no such file or directory"
		machine_unchanged "$BEFORE"
	done
}

@test "a console socket that cannot be used" {
	config '.process.terminal = true'
	try hv create --console-socket "$SCRATCH/no-socket" "$ID"
	refused "no-socket.*no such file or directory"
	machine_unchanged "$BEFORE"
}

@test "an unknown runtime type" {
	only_hvrun
	config '.annotations[$key] = "Firecracker"' --arg key "$ANNOTATION"
	both_refuse Firecracker Default HyperV
}

@test "properties of the systemd unit: those that are not allowed, and what is not a value" {
	only_hvrun
	while IFS='|' read -r name value text; do
		config '.annotations = {("org.systemd.property." + $n): $v}' --arg n "$name" --arg v "$value"
		try hv create "$ID"
		refused "annotation org.systemd.property.$name: $text"
	done <<-'EOF'
		Slice|'system.slice'|"Slice" is not allowed here .allowed_systemd_properties in the configuration file
		Conflicts|['sshd.service']|"Conflicts" is not allowed here
		CollectMode|inactive|"inactive" is not true, false, a number
		TimeoutStopSec|uint64 1h|"uint64 1h" is not a number of seconds
		KillSignal|'9|"'9" is not
		Kill.Mode|'none'|"Kill.Mode" is not the name of a property
	EOF
	printf '{"allowed_systemd_properties": ["After", "Timeout*"], "hyperv": {"accel": "%s"}}\n' "$VM_ACCEL" >"$SCRATCH/hvrun.json"
	config '.annotations = {"org.systemd.property.CollectMode": "\u0027inactive\u0027"}'
	try "${PLAIN[0]}" --root "$ROOT" --config-file "$SCRATCH/hvrun.json" --runtime-type "$RUNTIME_TYPE" create "$ID"
	refused 'annotation org.systemd.property.CollectMode: "CollectMode" is not allowed here'
	machine_unchanged "$BEFORE"
}

@test "a configuration file that is missing, broken, or misspelt" {
	only_hvrun
	try hv --config-file "$SCRATCH/nothing.json" run "$ID"
	refused "nothing.json"
	for text in '{' '{"runtime_typ": "HyperV"}' '{"runtime_type": 1}' '{"hyperv": {"accel": "magic"}}' '{"hyperv": {"kernel": "relative"}}' \
		'{"hyperv": {"vcpus": 0}}' '{"cgroup_manager": "none of these"}' '{"hyperv": {"memory": "lots"}}'; do
		printf '%s\n' "$text" >"$SCRATCH/hvrun.json"
		try "${PLAIN[0]}" --root "$ROOT" --config-file "$SCRATCH/hvrun.json" --runtime-type "$RUNTIME_TYPE" run "$ID"
		refused "hvrun.json"
	done
	machine_unchanged "$BEFORE"
}

@test "no guest kernel, no initramfs, no worker, no VMM" {
	only_hvrun
	only_hyperv "no machine is needed"
	for key in kernel initrd worker vmm_path; do
		jq -n --arg key $key --arg path "$SCRATCH/missing-$key" '{hyperv: {($key): $path}}' >"$SCRATCH/hvrun.json"
		try hv --config-file "$SCRATCH/hvrun.json" run "$ID"
		refused "$SCRATCH/missing-$key"
		machine_unchanged "$BEFORE"
	done
}

@test "a guest kernel that is none" {
	only_hvrun
	only_hyperv "no machine is needed"
	echo "no kernel" >"$SCRATCH/vmlinux"
	jq -n --arg path "$SCRATCH/vmlinux" '{hyperv: {kernel: $path, boot_timeout: 5}}' >"$SCRATCH/hvrun.json"
	try hv --config-file "$SCRATCH/hvrun.json" run "$ID"
	status_is 1
	[ -n "$errors" ]
	machine_unchanged "$BEFORE"
}

@test "no KVM and no leave to emulate" {
	only_hvrun
	only_hyperv "no machine is needed"
	skip_unless "this host has a usable KVM" test "$VM_ACCEL" = tcg
	echo '{}' >"$SCRATCH/hvrun.json"
	local without=("$HVRUN" --root "$ROOT" --config-file "$SCRATCH/hvrun.json")
	try "${without[@]}" --runtime-type HyperV run "$ID"
	refused kvm "tcg|emulat"
	# an annotation cannot turn emulation on
	config '.annotations = {($key): "HyperV", "io.hvrun.vm-accel": "tcg", "io.hvrun.accel": "tcg"}' --arg key "$ANNOTATION"
	try "${without[@]}" run "$ID"
	refused kvm "tcg|emulat"
	machine_unchanged "$BEFORE"
	try "${without[@]}" --vm-accel magic run "$ID"
	refused magic
	machine_unchanged "$BEFORE"
}

@test "very deep and very long input is refused, not suffered" {
	only_hvrun
	printf '%*s' 100000 '' | tr ' ' '[' >config.json
	both_refuse "config.json|depth|deep"
	{ printf '{"ociVersion": "1.0.0", "annotations": {"a": "'; head -c 70000000 /dev/zero | tr '\0' x; printf '"}}'; } >config.json
	try hv run "$ID"
	refused "config.json|large|long|bytes"
	machine_unchanged "$BEFORE"
}

@test "duplicate keys are refused" {
	only_hvrun
	sed -i '0,/"ociVersion"/s//"ociVersion": "1.0.0",\n"ociVersion"/' config.json
	both_refuse "ociVersion.*(duplicate|twice)|(duplicate|twice).*ociVersion"
}

@test "create that fails late leaves nothing: the last mount, the last hook" {
	config '.root.readonly = false | .mounts += [{destination: "/mnt", type: "bind", source: "/no/such/source", options: ["bind"]}]'
	for verb in create run; do
		try hv "$verb" "$ID"
		status_is 1
		errors_have "/no/such/source"
		machine_unchanged "$BEFORE"
	done
}
