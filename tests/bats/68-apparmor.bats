# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# process.apparmorProfile, with a profile that the test loads. In type HyperV the guest's kernel enforces it, so it does not take a host that can: the
# profile comes compiled, by hyperv.apparmor_dir.

load lib

setup_test()
{
	only_hvrun
	[[ $BATS_TEST_DESCRIPTION != HyperV:* ]] || only_hyperv "the host's kernel has taken it, or apparmor_parser has said no" || return
	is_hyperv || skip_unless "AppArmor is not enabled on this machine" grep -qs Y /sys/module/apparmor/parameters/enabled || return
	skip_unless "no apparmor_parser to load a profile with" command -v apparmor_parser || return
	! is_hyperv || policies || return
	PROFILE=hvtest-$TAG
	cat >"$SCRATCH/profile" <<-END
		profile $PROFILE flags=(attach_disconnected) {
		  file,
		  capability,
		  signal,
		  unix,
		  mount,
		  deny /secret r,
		  deny /tmp/** w,
		}
	END
	load_profile "$PROFILE" "$SCRATCH/profile"
	echo secret >rootfs/secret
	config '.process.apparmorProfile = $p | .root.readonly = false' --arg p "$PROFILE"
}

# The operator's directory of policies, for guests whose kernel has AppArmor.
policies()
{
	local base=${HVRUN_OPTIONS##*--config-file }
	process /bin/init read /proc/self/attr/current
	try hv run "$ID"
	skip_unless "the guest's kernel has no AppArmor" grep -q unconfined <<<"$output" || return
	mkdir "$SCRATCH/policies"
	jq --arg dir "$SCRATCH/policies" '.hyperv.apparmor_dir = $dir' "${base%% *}" >"$SCRATCH/hvrun.json"
	HV+=(--config-file "$SCRATCH/hvrun.json")
}

# "load_profile NAME FILE"
load_profile()
{
	if is_hyperv; then
		apparmor_parser --skip-kernel-load --skip-cache --features-file /usr/share/apparmor-features/features --ofile "$SCRATCH/policies/$1" "$2"
	else
		apparmor_parser --skip-cache --add "$2"
	fi
}

eval "lib_$(declare -f teardown)"
teardown()
{
	if [ -e "$SCRATCH/profile" ]; then
		plain delete -f "$ID" >/dev/null 2>&1 || true
		is_hyperv || apparmor_parser --remove "$SCRATCH/profile" || true
	fi
	lib_teardown
}

label()
{
	tr -d '\0\n' <"/proc/$1/attr/current"
}

@test "apparmorProfile: is the process's, from its first instruction, and is enforced" {
	checks read /secret , read /etc/passwd , write TEXT=x /tmp/file , write TEXT=x /root/file
	run_ok
	has 'read /secret: EACCES' 'read /etc/passwd: .*root.*' 'write /tmp/file: EACCES'
	lacks 'write /root/file: E'
	process /bin/init pause
	background "$ID"
	is_hyperv || same "$(label "$(container_pid "$ID")")" "$PROFILE (enforce)"
	try hv exec "$ID" /bin/init read /proc/1/attr/current
	has "read /proc/1/attr/current: .*$PROFILE \(enforce\).*"
}

@test "apparmorProfile: exec has the container's, --apparmor and --process another" {
	process /bin/init pause
	background "$ID"
	try hv exec "$ID" /bin/init read /secret
	has 'read /secret: EACCES'
	sed "s/$PROFILE/$PROFILE-other/; /deny/d" "$SCRATCH/profile" >"$SCRATCH/other"
	load_profile "$PROFILE-other" "$SCRATCH/other"
	try hv exec --apparmor "$PROFILE-other" "$ID" /bin/init read /secret
	has 'read /secret: .*secret.*'
	jq '.process | .apparmorProfile = $p | .args = ["/bin/init", "read", "/secret"]' --arg p "$PROFILE-other" config.json >"$SCRATCH/process.json"
	try hv exec --process "$SCRATCH/process.json" "$ID"
	has 'read /secret: .*secret.*'
	jq 'del(.apparmorProfile)' "$SCRATCH/process.json" >"$SCRATCH/none.json"
	try hv exec --process "$SCRATCH/none.json" "$ID"
	has 'read /secret: EACCES'
	hv delete -f "$ID"
	is_hyperv || apparmor_parser --remove "$SCRATCH/other"
}

@test "apparmorProfile: \"unconfined\" takes none, and the runtime's own is not changed" {
	config '.process.apparmorProfile = "unconfined"'
	checks read /secret
	run_ok
	has 'read /secret: .*secret.*'
	same "$(label self)" "$(label $$)"
}

@test "apparmorProfile: one that is not loaded is refused by name, by create and by exec; nothing is left" {
	config '.process.apparmorProfile = "hvtest-none"'
	before=$(snapshot)
	try hv create "$ID"
	refused 'process.apparmorProfile.*"hvtest-none"'
	machine_unchanged "$before"
	config 'del(.process.apparmorProfile)'
	process /bin/init pause
	background "$ID"
	try hv exec --apparmor hvtest-none "$ID" /bin/init ids
	status_is 255
	errors_have 'process.apparmorProfile.*"hvtest-none"'
}

@test "HyperV: a policy that the guest's kernel does not take is an error, and nothing is left" {
	echo nonsense >"$SCRATCH/policies/hvtest-bad"
	config '.process.apparmorProfile = "hvtest-bad"'
	before=$(snapshot)
	process /bin/init ids
	try hv run "$ID"
	refused 'process.apparmorProfile: "hvtest-bad": the guest.s kernel does not take its policy'
	machine_unchanged "$before"
}
