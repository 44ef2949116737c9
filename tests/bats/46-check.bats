# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016,SC2154 # jq programs, and names that lib.bash sets
# check: what would run here, as what, and why not. Its answer about a bundle is create's: where one says no, so does the other.

load lib

setup_test()
{
	only_hvrun
	process /bin/init uname-r
	BEFORE=$(snapshot)
}

# check's answer and create's are the same, and check has changed nothing.
same_as_create()
{
	local said reason
	try hv check -f json "$BUNDLE"
	said=$status reason=$(jq -r '.reason // ""' <<<"$output")
	same "$(jq .ok <<<"$output")" "$([ "$said" = 0 ] && echo true || echo false)" "status and ok"
	machine_unchanged "$BEFORE"
	try hv run "$ID"
	same "$said" "$status" "check's and run's exit status"
	[ "$said" = 0 ] || same "hvrun: $reason" "$errors" "check's and run's reason"
}

row()
{
	jq -r --arg section "$1" --arg name "$2" '.checks[] | select(.section == $section and .name == $name) | "\(.status) \(.detail)"' <<<"$output"
}

@test "a bundle that runs: its type, and which machine it would get" {
	config '.linux.resources = {"memory": {"limit": 67108864}}'
	try hv check "$BUNDLE"
	status_is 0
	no_errors
	grep -qE '^ +runtime type +ok +'"$RUNTIME_TYPE"' \(decided by: --runtime-type\)$' <<<"$output"
	grep -qx 'The bundle would run.' <<<"$output"
	try hv check -f json
	status_is 0
	jq -e '.ok and (has("bundle") | not) and (.checks | length > 10)' <<<"$output"
	try hv check -f json .
	status_is 0
	same "$(jq -r .bundle.path <<<"$output")" "$BUNDLE"
	same "$(jq -r .bundle.runtimeType <<<"$output")" "$RUNTIME_TYPE"
	if is_hyperv; then
		jq -e --arg accel "$VM_ACCEL" '.bundle | .guest == "default" and .accel == $accel and .vcpus == 1 and .memory > 67108864
			and (.kernel | startswith("/")) and (.vmm | startswith("/"))' <<<"$output"
		[[ $(row guests default) == ok* ]] || fail "the guest is not ok"
	else
		jq -e '.bundle | has("guest") | not' <<<"$output"
	fi
	same_as_create
}

@test "what create would refuse" {
	for program in '.process.args = []' '.vm = {"kernel": {"path": "/etc/hostname"}}' '.annotations = {"io.hvrun.runtime-type": "runv"}' \
		'.annotations = {"org.opencontainers.image.architecture": "s390x"}' '.annotations = {"org.opencontainers.image.os": "windows"}' \
		'.root.path = "nowhere"' '.linux.seccomp = {"defaultAction": "SCMP_ACT_NONE"}' '.ociVersion = "2.0.0"' \
		'.annotations = {"io.kubernetes.cri.container-type": "container", "io.kubernetes.cri.sandbox-id": "none"}'; do
		cp config.json "$SCRATCH/good.json"
		config "$program"
		same_as_create
		[ "$status" != 0 ] || fail "this should not run: $program"
		cp "$SCRATCH/good.json" config.json
	done
	rm config.json
	same_as_create
}

@test "who decided the type" {
	decided()
	{
		try "$@"
		same "$(jq -r '.bundle.runtimeType + " " + .bundle.rule' <<<"$output")" "$RUNTIME_TYPE $rule"
	}
	rule="--runtime-type"
	decided hv check -f json .
	config '.annotations["io.hvrun.runtime-type"] = $t' --arg t "$RUNTIME_TYPE"
	rule="annotation io.hvrun.runtime-type"
	decided plain check -f json .
	config 'del(.annotations)'
	printf '{ "runtime_type": "%s" }\n' "$RUNTIME_TYPE" >"$SCRATCH/hvrun.json"
	rule="runtime_type in the configuration file"
	decided plain --config-file "$SCRATCH/hvrun.json" check -f json .
	if is_hyperv; then
		ln -s "$HVRUN" "$SCRATCH/hvrun-hyperv"
		rule="the name hvrun-hyperv"
		decided "$SCRATCH/hvrun-hyperv" "${PLAIN[@]:1}" check -f json .
		config '.windows = {"layerFolders": ["C:\\layer"], "hyperv": {}}'
		rule="its windows.hyperv section"
		decided plain check -f json .
	else
		rule="nobody asks for another"
		decided plain check -f json .
		config '.annotations["io.hvrun.runtime-type"] = "auto"'
		rule="annotation io.hvrun.runtime-type, Auto: what fits the image"
		decided plain check -f json .
	fi
}

@test "a configuration file that is not valid, or not there" {
	echo '{ "hyperv": { "acel": "tcg" } }' >"$SCRATCH/hvrun.json"
	for file in hvrun.json none.json; do
		try hv --config-file "$SCRATCH/$file" check -f json
		status_is 1
		jq -e '.ok == false and (.reason | contains("'"$file"'")) and .checks[0].status == "no"' <<<"$output"
	done
}

@test "without KVM and without leave to emulate, HyperV would not run, and says why" {
	only_hyperv "there is no machine"
	skip_unless "KVM can be used" test "$(hv check -f json | jq -r '.checks[] | select(.name == "KVM").status')" != ok
	try "$HVRUN" --root "$ROOT" --runtime-type HyperV check -f json .
	status_is 1
	jq -e '.ok == false and (.reason | contains("KVM cannot be used")) and .bundle.runtimeType == "HyperV"' <<<"$output"
	same "$(row HyperV KVM | cut -d' ' -f1)" no
	try "$HVRUN" --root "$ROOT" --runtime-type HyperV check
	status_is 1
	grep -q '^A bundle that asks for nothing special would not run: KVM cannot be used' <<<"$output"
	# the operator's type that is not asked for is no reason
	try "$HVRUN" --root "$ROOT" --runtime-type Default check
	status_is 0
}

@test "guests: which files are missing" {
	only_hyperv "there is no machine"
	printf '{"hyperv": {"guests": [{"name": "gone", "kernel": "/nowhere/vmlinux", "initrd": "/nowhere/initrd"}]}}' >"$SCRATCH/hvrun.json"
	try hv --config-file "$SCRATCH/hvrun.json" check -f json
	status_is 0
	same "$(row guests gone | cut -d' ' -f1)" no
	[[ $(row guests gone) == *"/nowhere/vmlinux: No such file"* ]] || fail "$(row guests gone)"
	[[ $(row guests default) == *"ELF with a PVH note"* ]] || skip_unless "another kind of kernel" test "$(uname -m)" = x86_64
}

@test "nothing is there afterwards that was not before, not even the root" {
	rmdir "$ROOT"
	try hv check .
	status_is 0
	not [ -e "$ROOT" ]
	try hv check -f yaml
	status_is 1
	errors_have "format|yaml"
	mkdir "$ROOT"
}
