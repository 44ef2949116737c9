# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2034,SC2153,SC2154 # jq programs, and names that the libraries set and use
# runtime-spec 1.3.0 config-linux.md, "IntelRdt". What needs a mounted resctrl, that is Intel's hardware, is in the unit tests.

load spec

setup_test()
{
	only_hvrun
	skip_unless "there is a resctrl here, and these tests are for machines without" test -z "$(grep ' - resctrl ' /proc/self/mountinfo)"
}

@test "config-linux.md#intelrdt: without a mounted resctrl it is an error" {
	config '.linux.intelRdt = {"closID": "group"}'
	invalid 'intelRdt|resctrl'
}

@test "config-linux.md#intelrdt: memBwSchema starts with MB: and is one line" {
	config '.linux.intelRdt = {"memBwSchema": "0=10"}'
	invalid 'linux.intelRdt.memBwSchema|MB:'
	config '.linux.intelRdt = {"memBwSchema": "MB:0=10\nMB:1=10"}'
	invalid 'linux.intelRdt.memBwSchema|MB:'
}

@test "config-linux.md#intelrdt: an element of schemata is one line" {
	config '.linux.intelRdt = {"schemata": ["MB:0=10\nL3:0=1"]}'
	invalid 'linux.intelRdt.schemata'
}
