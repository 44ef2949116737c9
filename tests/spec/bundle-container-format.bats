# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2034,SC2153,SC2154 # jq programs, and names that the libraries set and use
# runtime-spec 1.3.0 bundle.md, "Container Format".

load spec

@test "bundle.md#container-format: config.json is required" {
	rm config.json
	before=$(snapshot)
	try hv create "$ID"
	refused config.json
	machine_unchanged "$before"
}

@test "bundle.md#container-format: config.json is in the bundle's top directory" {
	mkdir below
	mv config.json below
	before=$(snapshot)
	try hv create "$ID"
	refused config.json
	machine_unchanged "$before"
	mv below/config.json .
	run_ok
}

@test "bundle.md#container-format: its name is config.json" {
	mv config.json Config.json
	ln -s Config.json configuration.json
	before=$(snapshot)
	try hv create "$ID"
	refused config.json
	machine_unchanged "$before"
}
