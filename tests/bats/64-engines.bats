# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# The configurations that engines make by default: what is in them is in force, and a short form of tests/soak/run.

load lib

TOP=$BATS_TEST_DIRNAME/..

engine_config()
{
	"$TOP/bats/helpers/engine-config" "$1" "$BUNDLE" "$ID" "${@:2}" >"$BUNDLE/config.json"
	# systemd's manager is not asked for by these, which name groups by path
	[ "${HVRUN_OPTIONS:-}" != --systemd-cgroup ] || config 'del(.linux.cgroupsPath)'
}

@test "what an engine's configuration says is in force" {
	local engine
	for engine in podman docker containerd crio; do
		engine_config "$engine" /bin/init all caps , hostname , mounts , read /proc/keys /etc/hosts , \
			write /proc/sys/kernel/domainname /proc/sysrq-trigger , seccomp-test mkdir unshare mount
		try hv run "$ID"
		status_is 0
		has 'Seccomp: 2' 'hostname: engine' 'read /proc/keys: (0 bytes, |ENOENT)' \
			'write /proc/sys/kernel/domainname: EROFS' 'write /proc/sysrq-trigger: (EROFS|ENOENT)' 'call mkdir: ok' \
			'call (unshare|mount): EPERM' 'mount /dev/shm: .*'
		[ $engine = crio ] || has 'mount /dev/shm: .*nodev.*' # crio binds a mount of its own, whose flags count
		case $engine in
		podman) has 'CapEff: 00000000800405fb' ;;
		docker | containerd) has 'CapEff: 00000000a80425fb' ;;
		crio) has 'CapEff: 00000000000005fb' ;;
		esac
		[ $engine = containerd ] || has 'read /etc/hosts: 20 bytes, 127.0.0.1 localhost'
	done
}

@test "engines' containers start and stop 25 times and nothing is left" {
	n=25
	! is_hyperv || n=2
	try env HVRUN="$HVRUN" HVTEST_BIN="$HVTEST_BIN" RUNTIME_TYPE="$RUNTIME_TYPE" VM_ACCEL="$VM_ACCEL" "$TOP/soak/run" $n
	status_is 0
	has 'left: nothing' 'podman: .* 0 failures.*' 'docker: .* 0 failures.*' 'containerd: .* 0 failures.*' 'crio: .* 0 failures.*'
}
