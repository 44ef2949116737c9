# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2034,SC2153,SC2154 # jq programs, and names that the libraries set and use
# runtime-spec 1.3.0 config.md, "Specification version" and "Root".

load spec

@test "config.md#specification-version: ociVersion is required" {
	required ociVersion
}

@test "config.md#specification-version: ociVersion is a semantic version" {
	for version in 1 1.0 1.0.0.0 v1.0.0 01.0.0 "1.0.0 " 1.x.0 "" text; do
		config '.ociVersion = $version' --arg version "$version"
		invalid ociVersion
	done
	config '.ociVersion = "1.1.0-rc.1+build"'
	valid
}

@test "config.md#root: root is required" {
	required root
}

@test "config.md#root: path is required" {
	required root.path
}

@test "config.md#root: a directory is at path" {
	config '.root.path = "nothing"'
	invalid nothing
	echo file >plain-file
	config '.root.path = "plain-file"'
	invalid plain-file
}

@test "config.md#root: readonly makes the root file system read-only inside" {
	checks write /file /etc/file
	config '.root.readonly = true'
	run_ok
	has 'write /file: EROFS' 'write /etc/file: EROFS'
	config 'del(.root.readonly)'
	run_ok
	has 'write /file: ok' 'write /etc/file: ok'
}
