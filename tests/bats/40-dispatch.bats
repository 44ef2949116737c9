# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2034,SC2153,SC2154 # jq programs, and names that lib.bash sets
# Which type runs a bundle: the annotation, the vm and windows.hyperv sections, the operator's choice; and where the type
# shows. Every case runs for the type under test, so that the same choice is seen to give either.

load lib

case $RUNTIME_TYPE in
Default) OTHER=HyperV ;;
HyperV) OTHER=Default ;;
esac

setup_test()
{
	only_hvrun
	process /bin/init uname-r
}

annotate()
{
	config '.annotations[$key] = $value' --arg key "$ANNOTATION" --arg value "$1"
}

# The last run was in the given type: the kernel tells.
ran_as()
{
	status_is 0
	if [ "$1" = HyperV ]; then
		has 'release: .+'
		[ "$output" != "release: $(uname -r)" ] || fail "this is the host's kernel"
	else
		output_is "release: $(uname -r)"
	fi
}

@test "--runtime-type: the host's kernel in Default, another in HyperV" {
	try hv run "$ID"
	ran_as "$RUNTIME_TYPE"
}

@test "nothing chosen is Default" {
	try plain run "$ID"
	ran_as Default
}

@test "the annotation, in any case" {
	for value in "$RUNTIME_TYPE" "${RUNTIME_TYPE,,}" "${RUNTIME_TYPE^^}"; do
		annotate "$value"
		try plain run "$ID"
		ran_as "$RUNTIME_TYPE"
	done
}

@test "the configuration file, with comments" {
	printf '// which type\n{ /* here */ "runtime_type": "%s" }\n' "$RUNTIME_TYPE" >"$SCRATCH/hvrun.json"
	try plain --config-file "$SCRATCH/hvrun.json" run "$ID"
	ran_as "$RUNTIME_TYPE"
	# the command line is the operator's last word
	printf '{ "runtime_type": "%s" }\n' "$OTHER" >"$SCRATCH/hvrun.json"
	try hv --config-file "$SCRATCH/hvrun.json" run "$ID"
	ran_as "$RUNTIME_TYPE"
}

@test "the name hvrun-hyperv means HyperV" {
	needs_machines
	ln -s "$HVRUN" "$SCRATCH/hvrun-hyperv"
	try "$SCRATCH/hvrun-hyperv" "${PLAIN[@]:1}" run "$ID"
	ran_as HyperV
}

@test "a vm section, or windows.hyperv, means HyperV; with the annotation Default it is refused" {
	needs_machines
	cp config.json "$SCRATCH/plain.json"
	for section in vm windows; do
		cp "$SCRATCH/plain.json" config.json
		if [ $section = vm ]; then
			config '.vm = {"kernel": {"path": $kernel}}' --arg kernel "${HVRUN%/*}/guest/vmlinux"
		else
			config '.windows = {"layerFolders": ["C:\\layer"], "hyperv": {}}'
		fi
		if is_hyperv; then
			try plain run "$ID"
			ran_as HyperV
		fi
		annotate Default
		before=$(snapshot)
		try plain run "$ID"
		refused "$ANNOTATION" Default HyperV
		machine_unchanged "$before"
	done
}

@test "unknown types are refused with the list of those that are valid" {
	before=$(snapshot)
	for value in Firecracker "" "HyperV "; do
		annotate "$value"
		try plain run "$ID"
		refused "$ANNOTATION" Default HyperV
	done
	config 'del(.annotations)'
	try plain --runtime-type runv run "$ID"
	refused runv Default HyperV
	echo '{ "runtime_type": "kvm" }' >"$SCRATCH/hvrun.json"
	try plain --config-file "$SCRATCH/hvrun.json" run "$ID"
	refused "runtime_type" kvm Default HyperV
	machine_unchanged "$before"
}

@test "the operator's HyperV is never weakened by an annotation, unless the configuration allows it" {
	annotate Default
	before=$(snapshot)
	try plain --runtime-type HyperV run "$ID"
	refused "$ANNOTATION" Default HyperV
	echo '{ "runtime_type": "HyperV" }' >"$SCRATCH/hvrun.json"
	try plain --config-file "$SCRATCH/hvrun.json" run "$ID"
	refused "$ANNOTATION" Default HyperV
	ln -s "$HVRUN" "$SCRATCH/hvrun-hyperv"
	try "$SCRATCH/hvrun-hyperv" "${PLAIN[@]:1}" run "$ID"
	refused "$ANNOTATION" Default HyperV
	machine_unchanged "$before"
	echo '{ "runtime_type": "HyperV", "allow_annotation_default": true }' >"$SCRATCH/hvrun.json"
	try plain --config-file "$SCRATCH/hvrun.json" run "$ID"
	ran_as Default
}

@test "the operator's Default gives way to the bundle's HyperV" {
	needs_machines
	annotate HyperV
	try plain --runtime-type Default run "$ID"
	ran_as HyperV
}

@test "the type is in state and list, and stays what it was at create" {
	process /bin/init all uname-r , pause
	annotate "$RUNTIME_TYPE"
	status=0
	plain run -d "$ID" >"$SCRATCH/$ID.out" 2>"$SCRATCH/$ID.err" </dev/null || status=$?
	output=$(<"$SCRATCH/$ID.out") errors=$(<"$SCRATCH/$ID.err")
	status_is 0
	eventually file_has "$SCRATCH/$ID.out" ready
	annotate "$OTHER"
	isolation=namespaces
	! is_hyperv || isolation=vm
	try plain list
	grep -qE '^ID .*RUNTIME TYPE +ISOLATION' <<<"$output"
	grep -qE "^$ID .* $RUNTIME_TYPE +$isolation" <<<"$output" || fail "no line with $RUNTIME_TYPE, $isolation"
	for verb in "state $ID" "list -f json"; do
		# shellcheck disable=SC2086
		try plain $verb
		jq -e --arg type "$RUNTIME_TYPE" --arg isolation "$isolation" \
			'if type == "array" then .[0] else . end | .runtimeType == $type and (.isolation | startswith($isolation))' <<<"$output"
	done
	# a later verb goes where the container is, whatever the operator's default is by now
	try plain --runtime-type "$OTHER" exec "$ID" /bin/init uname-r
	same "$output" "$(grep release: "$SCRATCH/$ID.out")"
	try plain --runtime-type "$OTHER" kill "$ID" KILL
	status_is 0
}

@test "one hvrun-vmwp for each machine on the host, none in Default, none after the end" {
	workers()
	{
		local list
		list=$(test_processes) # first all of it, or the search finds itself
		grep -c hvrun-vmwp <<<"$list"
	}
	process /bin/init pause
	before=$(snapshot)
	background "$ID-a"
	background "$ID-b"
	expected=0
	! is_hyperv || expected=2
	same "$(workers)" "$expected" "number of workers"
	if is_hyperv; then
		for id in "$ID-a" "$ID-b"; do
			same "$(<"/proc/$(container_pid "$id")/comm")" hvrun-vmwp "the container's process on the host"
		done
	fi
	hv delete -f "$ID-a"
	hv delete -f "$ID-b"
	same "$(workers)" 0 "number of workers"
	machine_unchanged "$before"
}

@test "where emulation runs the machine, state, list and features say so" {
	only_hyperv "there is no machine"
	skip_unless "the machine is not emulated" test "$VM_ACCEL" = tcg
	process /bin/init pause
	background "$ID"
	for verb in "state $ID" "list" "features"; do
		# shellcheck disable=SC2086
		try hv $verb
		status_is 0
		grep -q "emulated: not a security boundary" <<<"$output" || fail "$verb does not say it"
	done
}

@test "a pod member does not fall back to Default when its sandbox is unknown" {
	config '.annotations += {"io.kubernetes.cri.container-type": "container", "io.kubernetes.cri.sandbox-id": "no-such-sandbox"}'
	before=$(snapshot)
	try plain --runtime-type HyperV run "$ID"
	[ "$status" = 1 ] || ran_as HyperV
	machine_unchanged "$before"
}
