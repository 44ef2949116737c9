# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2034,SC2153,SC2154 # jq programs, and names that the libraries set and use
# runtime-spec 1.3.0 config-linux.md, "Network Devices" and "Namespace Lifecycle and Container Termination". The device is a dummy one, or a tap.

load spec

# ip in the runtime's network namespace, which a process of ours keeps, so that no other test sees the links.
host_ip()
{
	nsenter -t "$HOLDER" -n ip "$@"
}

link_add()
{
	host_ip link add "$LINK" type dummy 2>/dev/null || host_ip tuntap add dev "$LINK" mode tap 2>/dev/null
}

is_held()
{
	[ "$(readlink "/proc/$HOLDER/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}

setup_test()
{
	only_hvrun
	not_hyperv "a device of the host's kernel cannot be moved into another"
	LINK=d${TAG:0:6}
	unshare -n sleep 600 >/dev/null 2>&1 3>&- 4>&- &
	HOLDER=$!
	eventually is_held
	HV=(nsenter -t "$HOLDER" -n "${HV[@]}")
	skip_unless "this kernel has neither dummy nor tap devices" link_add
}

# The device goes before the library looks for what is left.
eval "lib_$(declare -f teardown)"
teardown()
{
	for dir in "$ROOT"/*/; do
		[ ! -d "$dir" ] || plain delete -f "$(basename "$dir")" </dev/null >/dev/null 2>&1 || true
	done
	[ -z "${HOLDER-}" ] || kill "$HOLDER"
	lib_teardown
}

links_inside()
{
	checks list /sys/class/net
	run_ok
}

@test "config-linux.md#network-devices: the devices are in the container" {
	config '.linux.netDevices = {($link): {}}' --arg link "$LINK"
	links_inside
	has "entry /sys/class/net: $LINK"
}

@test "config-linux.md#network-devices: that it can be moved is looked at" {
	# a loopback device cannot leave its namespace
	config '.linux.netDevices = {"lo": {"name": "other"}}'
	invalid lo
	config '.linux.netDevices = {"none-such": {}}'
	invalid none-such
}

@test "config-linux.md#network-devices: a name that is taken is an error" {
	config '.linux.netDevices = {($link): {"name": "lo"}}' --arg link "$LINK"
	invalid "$LINK|lo"
	host_ip link show "$LINK"
}

@test "config-linux.md#network-devices: a name that ends in %d is the kernel's to complete" {
	config '.linux.netDevices = {($link): {"name": "eth%d"}}' --arg link "$LINK"
	links_inside
	has 'entry /sys/class/net: eth0'
}

@test "config-linux.md#network-devices: attributes and global addresses stay" {
	host_ip link set "$LINK" mtu 1400 address 02:00:00:00:00:07
	host_ip addr add 192.0.2.7/24 dev "$LINK"
	host_ip -6 addr add 2001:db8::7/64 dev "$LINK" nodad
	config '.linux.netDevices = {($link): {"name": "moved"}}' --arg link "$LINK"
	paused
	pid=$(container_pid "$ID")
	try nsenter -t "$pid" -n ip addr show moved
	grep -q 'mtu 1400' <<<"$output"
	grep -q '02:00:00:00:00:07' <<<"$output"
	grep -q 'inet 192.0.2.7/24' <<<"$output"
	grep -q 'inet6 2001:db8::7/64' <<<"$output"
}

@test "config-linux.md#network-devices: the device is up" {
	config '.linux.netDevices = {($link): {}}' --arg link "$LINK"
	paused
	try nsenter -t "$(container_pid "$ID")" -n ip link show "$LINK"
	grep -qE '<[^>]*\bUP\b' <<<"$output"
}

@test "config-linux.md#namespace-lifecycle-and-container-termination: what happens to it inside is the container's" {
	config '.linux.netDevices = {($link): {}}' --arg link "$LINK"
	paused
	pid=$(container_pid "$ID")
	nsenter -t "$pid" -n ip link set "$LINK" down
	nsenter -t "$pid" -n ip link set "$LINK" name other # older kernels rename no link that is up
	hv exec "$ID" /bin/init exit 0
	try nsenter -t "$pid" -n ip link show other
	status_is 0
	not grep -qE '<[^>]*\bUP\b' <<<"$output"
}

@test "config-linux.md#namespace-lifecycle-and-container-termination: it is not moved back" {
	config '.linux.netDevices = {($link): {}}' --arg link "$LINK"
	paused
	hv delete -f "$ID"
	# a virtual device ends with its namespace
	not host_ip link show "$LINK" 2>/dev/null
}
