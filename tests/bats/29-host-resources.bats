# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# linux.netDevices and linux.intelRdt: runtime-spec config-linux.md. Interfaces are made in a network namespace of the test's own,
# in which the runtime is started.

load lib

setup_test()
{
	not_hyperv "host interfaces and caches are not a guest's" || return
	skip_unless "ip of iproute2 is needed to make interfaces" hash ip || return
	NETNS=hvtest$$ # not $TAG: all processes have its mount
	ip netns add "$NETNS"
	ip -n "$NETNS" link add dev0 type veth peer name far0
	ip -n "$NETNS" link set dev0 mtu 1400 address 02:00:00:00:00:07
	ip -n "$NETNS" address add 192.0.2.7/24 broadcast 192.0.2.255 dev dev0
	ip -n "$NETNS" address add 192.0.2.9/32 peer 192.0.2.10 dev dev0
	ip -n "$NETNS" address add 2001:db8::7/64 nodad dev dev0
	ip -n "$NETNS" address add 169.254.1.1/16 scope link dev dev0
	ip -n "$NETNS" address add 192.0.2.8/24 valid_lft 1000 preferred_lft 1000 dev dev0
	ip -n "$NETNS" link add dev1 type veth peer name far1
}

eval "lib_$(declare -f teardown)"
teardown()
{
	[ -z "${NETNS-}" ] || ip netns delete "$NETNS"
	[ -z "${NETNS-}" ] || [ ! -e "/run/netns/${NETNS}x" ] || ip netns delete "${NETNS}x"
	lib_teardown
}

# The runtime in the test's network namespace; the mounts that "ip netns exec" changes are left alone.
there()
{
	nsenter --net="/run/netns/$NETNS" -- timeout --foreground -k 5 "$CALL_TIMEOUT" "${HV[@]}" "$@" 3>&- 4>&-
}

inside()
{
	nsenter --net -t "$(container_pid "$ID")" -- ip -json address show dev "$1" | jq -c "$2"
}

at_home()
{
	ip -n "$NETNS" -json address show dev "$1" | jq -c "$2"
}

devices()
{
	config '.linux.netDevices = '"$1"
	process /bin/init pause
}

ADDRESSES='[.[0].addr_info[] | select(.scope == "global") | "\(.local)/\(.prefixlen) \(.address // "-") \(.broadcast // "-")"] | sort'
WANTED='["192.0.2.7/24 - 192.0.2.255","192.0.2.9/32 192.0.2.10 -","2001:db8::7/64 - -"]'

@test "an interface moves with a new name, its permanent addresses and settings, and is up" {
	devices '{"dev0": {"name": "eth7"}, "dev1": {}}'
	try there run -d "$ID"
	status_is 0
	same "$(inside eth7 "$ADDRESSES")" "$WANTED"
	same "$(inside eth7 '.[0] | [.mtu, .address, (.flags | contains(["UP"]))]')" '[1400,"02:00:00:00:00:07",true]'
	same "$(inside eth7 '[.[0].addr_info[] | select(.local == "169.254.1.1" or .local == "192.0.2.8")]')" '[]'
	same "$(inside dev1 '.[0].flags | contains(["UP"])')" true
	not ip -n "$NETNS" link show dev0
}

@test "a pattern gets the first free number" {
	devices '{"dev0": {"name": "eth%d"}, "dev1": {"name": "eth%d"}}'
	try there run -d "$ID"
	status_is 0
	same "$(inside eth0 '.[0].ifname')" '"eth0"'
	same "$(inside eth1 '.[0].ifname')" '"eth1"'
}

@test "into a network namespace that is there already" {
	ip netns add "${NETNS}x"
	config '(.linux.namespaces[] | select(.type == "network")).path = "/run/netns/'"${NETNS}"'x"'
	devices '{"dev0": {"name": "eth7"}}'
	try there run -d "$ID"
	status_is 0
	same "$(ip -n "${NETNS}x" -json address show dev eth7 | jq -c "$ADDRESSES")" "$WANTED"
	hv delete -f "$ID"
	# nobody moves it back
	same "$(ip -n "${NETNS}x" -json address show dev eth7 | jq -c "$ADDRESSES")" "$WANTED"
}

@test "what fails later puts the interfaces back as they were" {
	ip -n "$NETNS" link set dev0 up
	devices '{"dev0": {"name": "eth7"}, "dev1": {}}'
	config '.hooks.createRuntime = [{"path": "/bin/false"}]'
	try there run "$ID"
	refused "createRuntime"
	same "$(at_home dev0 "$ADDRESSES")" "$WANTED"
	same "$(at_home dev0 '.[0] | [.mtu, .address, (.flags | contains(["UP"]))]')" '[1400,"02:00:00:00:00:07",true]'
	same "$(at_home dev1 '.[0].flags | contains(["UP"])')" false
}

@test "refusals" {
	before=$(snapshot)
	devices '{"dev0": {"name": "eth7"}, "nosuch": {}}'
	try there run "$ID"
	refused 'linux.netDevices\["nosuch"\].*no such'
	same "$(at_home dev0 "$ADDRESSES")" "$WANTED"
	devices '{"dev0": {"name": "lo"}}'
	try there run "$ID"
	refused 'linux.netDevices\["dev0"\].*"lo" already'
	devices '{"dev0": {"name": "a name"}}'
	try there run "$ID"
	refused 'linux.netDevices.*a name'
	devices '{"dev0": {"name": "much-too-long-a-name"}}'
	try there run "$ID"
	refused 'linux.netDevices.*much-too-long-a-name'
	devices '{"lo": {"name": "lo7"}}'
	try there run "$ID"
	refused 'linux.netDevices\["lo"\]'
	devices '{"dev0": {}}'
	config 'del(.linux.namespaces[] | select(.type == "network"))'
	try there run "$ID"
	refused 'linux.netDevices.*network namespace'
	same "$(at_home dev0 "$ADDRESSES")" "$WANTED"
	machine_unchanged "$before"
}

@test "intelRdt without resctrl is refused" {
	! grep -q ' - resctrl ' /proc/self/mountinfo || skip "resctrl is mounted here"
	before=$(snapshot)
	config '.linux.intelRdt = {"closID": "gold", "l3CacheSchema": "L3:0=f"}'
	try hv run "$ID"
	refused 'linux.intelRdt: resctrl is not mounted'
	machine_unchanged "$before"
}
