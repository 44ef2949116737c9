# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2016,SC2154 # chains that end in fail; texts for the container's shell; names that lib.bash sets
# Images for arm64 on a host that is something else: HyperV runs them, with the guest that "make guest-arm64" made; Default says who would.

load ../bats/lib

setup_test()
{
	[ "$(uname -m)" != aarch64 ] || skip "this host runs arm64 itself"
}

# Calls hvrun without the suite's choice of a runtime type.
native()
{
	try timeout -k 5 "$CALL_TIMEOUT" "$HVRUN" --root "$ROOT" --runtime-type Default "$@"
}

@test "what runs is arm64, in a machine" {
	process /bin/busybox uname -m
	run_ok
	output_is aarch64
	hv create "$ID" >/dev/null
	same "$(hv state "$ID" | jq -r '.guestKernel // .annotations["io.hvrun.guest-kernel"] // empty')" arm64 "the guest"
	hv delete --force "$ID"
}

@test "type Default names the guest that can run it, and leaves nothing" {
	native run -b "$BUNDLE" "$ID"
	refused 'the image is for linux/arm64.*the host is linux/.*HyperV can run it with guest "arm64"'
	native state "$ID"
	refused "does not exist"
}

@test "an annotation of the image says the same as its programs; one that lies is refused by them" {
	config '.annotations["org.opencontainers.image.architecture"] = "arm64"'
	process /bin/init exit 5
	try hv run "$ID"
	status_is 5
}

@test "a usual image still runs on the usual guest" {
	cp "$HOST_INIT" "$BUNDLE/rootfs/bin/init"
	process /bin/init exit 6
	try hv run "$ID"
	status_is 6
}

@test "--vm-accel and hyperv.accel speak of the host's own architecture" {
	printf '{"hyperv": {"guests": [{"name": "other", "architecture": "arm64", "kernel": "/k", "initrd": "/i", "accel": "kvm"}]}}' >"$SCRATCH/kvm.json"
	try timeout -k 5 "$CALL_TIMEOUT" "$HVRUN" --root "$ROOT" --config-file "$SCRATCH/kvm.json" create -b "$BUNDLE" "$ID"
	refused 'hyperv.guests\[0\].accel: "kvm" runs only this host.s own architecture'
}

@test "copies of one template: their randomness, boot id and machine id differ" {
	process /bin/sh -c 'cat /proc/sys/kernel/random/boot_id /proc/sys/kernel/random/uuid'
	run_ok
	first=$output
	run_ok
	[ "$output" != "$first" ] || fail "two containers have the same: $output"
	[ -z "$(sort <<<"$first"$'\n'"$output" | uniq -d)" ] || fail "something is the same in: $first / $output"
}
