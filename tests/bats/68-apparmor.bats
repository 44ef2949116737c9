# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# process.apparmorProfile, with a profile that the test loads.

load lib

setup_test()
{
	only_hvrun
	not_hyperv "the guest's kernel has no AppArmor" || return
	skip_unless "AppArmor is not enabled on this machine" grep -qs Y /sys/module/apparmor/parameters/enabled || return
	skip_unless "no apparmor_parser to load a profile with" command -v apparmor_parser || return
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
	apparmor_parser --skip-cache --add "$SCRATCH/profile"
	echo secret >rootfs/secret
	config '.process.apparmorProfile = $p | .root.readonly = false' --arg p "$PROFILE"
}

eval "lib_$(declare -f teardown)"
teardown()
{
	if [ -e "$SCRATCH/profile" ]; then
		plain delete -f "$ID" >/dev/null 2>&1 || true
		apparmor_parser --remove "$SCRATCH/profile" || true
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
	same "$(label "$(container_pid "$ID")")" "$PROFILE (enforce)"
}

@test "apparmorProfile: exec has the container's, --apparmor and --process another" {
	process /bin/init pause
	background "$ID"
	try hv exec "$ID" /bin/init read /secret
	has 'read /secret: EACCES'
	sed "s/$PROFILE/$PROFILE-other/; /deny/d" "$SCRATCH/profile" >"$SCRATCH/other"
	apparmor_parser --skip-cache --add "$SCRATCH/other"
	try hv exec --apparmor "$PROFILE-other" "$ID" /bin/init read /secret
	has 'read /secret: .*secret.*'
	jq '.process | .apparmorProfile = $p | .args = ["/bin/init", "read", "/secret"]' --arg p "$PROFILE-other" config.json >"$SCRATCH/process.json"
	try hv exec --process "$SCRATCH/process.json" "$ID"
	has 'read /secret: .*secret.*'
	jq 'del(.apparmorProfile)' "$SCRATCH/process.json" >"$SCRATCH/none.json"
	try hv exec --process "$SCRATCH/none.json" "$ID"
	has 'read /secret: EACCES'
	hv delete -f "$ID"
	apparmor_parser --remove "$SCRATCH/other"
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
