# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2034,SC2153,SC2154 # jq programs, and names that the libraries set and use
# runtime-spec 1.3.0 config-linux.md, "Memory policy", "Masked Paths", "Readonly Paths" and "Personality".

load spec

@test "config-linux.md#memory-policy: mode is required" {
	config '.linux.memoryPolicy = {"mode": "MPOL_BIND", "nodes": "0"}'
	required linux.memoryPolicy.mode
}

@test "config-linux.md#masked-paths: a path of the container, absolute" {
	config '.linux.maskedPaths = ["/etc/masked", "/no/such/path"]'
	echo secret >rootfs/etc/masked
	checks read /etc/masked
	valid
	has 'read /etc/masked: 0 bytes, '
	config '.linux.maskedPaths = ["etc/masked"]'
	invalid 'linux.maskedPaths\[0\]'
}

@test "config-linux.md#readonly-paths: a path of the container, absolute" {
	mkdir rootfs/etc/kept
	config '.root.readonly = false | .linux.readonlyPaths = ["/etc/kept", "/no/such/path"]'
	checks write /etc/kept/x /etc/x
	valid
	has 'write /etc/kept/x: EROFS' 'write /etc/x: ok'
	config '.linux.readonlyPaths = ["etc/kept"]'
	invalid 'linux.readonlyPaths\[0\]'
}

@test "config-linux.md#personality: domain is required" {
	config '.linux.personality = {"domain": "LINUX"}'
	required linux.personality.domain
}
