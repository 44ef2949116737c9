# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2034,SC2153,SC2154 # jq programs, and names that lib.bash sets or reads
# The network of a container: what the network namespace has is what it has, in both types. $HOST stands for the host, with a bridge
# to which two more namespaces, $A and $B, are connected.

load lib

setup_test()
{
	skip_unless "ip of iproute2 is needed to make interfaces" hash ip || return
	HOST=hvt${$}h A=hvt${$}a B=hvt${$}b
	ip netns add "$HOST"
	ip -n "$HOST" link add br0 type bridge
	ip -n "$HOST" link set br0 mtu 1400 address 02:00:00:00:00:01 up
	ip -n "$HOST" address add 192.0.2.1/24 dev br0
	ip -n "$HOST" address add 2001:db8::1/64 nodad dev br0
	connect "$A" eth0 2
	connect "$B" eth0 3
	join "$BUNDLE" "$A"
}

eval "lib_$(declare -f teardown)"
teardown()
{
	local pid netns
	for netns in "${HOST-}" "${A-}" "${B-}"; do
		[ -n "$netns" ] || continue
		for pid in $(ip netns pids "$netns" 2>/dev/null); do
			! grep -q busybox "/proc/$pid/exe" "/proc/$pid/cmdline" 2>/dev/null || kill "$pid" 2>/dev/null || true
		done
	done
	lib_teardown || LEFT=1
	for netns in "${HOST-}" "${A-}" "${B-}"; do
		[ -z "$netns" ] || ip netns delete "$netns"
	done
	[ -z "${LEFT-}" ]
}

# A namespace with a link to the bridge: "connect NETNS LINK NUMBER"
connect()
{
	ip netns add "$1" 2>/dev/null || true
	ip -n "$1" link set lo up
	ip -n "$1" link add "$2" type veth peer name "far$3" netns "$HOST"
	ip -n "$HOST" link set "far$3" mtu 1400 master br0 up
	ip -n "$1" link set "$2" mtu 1400 address "02:00:00:00:01:0$3" up
	ip -n "$1" address add "192.0.2.$3/24" broadcast 192.0.2.255 dev "$2"
	ip -n "$1" address add "2001:db8::$3/64" nodad dev "$2"
}

# The container of a bundle is to be in that namespace: "join BUNDLE NETNS"
join()
{
	config_of "$1" '(.linux.namespaces[] | select(.type == "network")).path = $path' --arg path "/run/netns/$2"
	config_of "$1" '.process.capabilities |= map_values(. + ["CAP_NET_RAW", "CAP_NET_ADMIN"] | unique)'
}

# GET /data from the host by bash's own means, for a busybox that is linked statically may crash there in name resolution:
# "fetch ADDRESS FILE"
fetch()
{
	ip netns exec "$HOST" timeout 20 bash -c 'exec 5<>"/dev/tcp/$0/80" && printf "GET /data HTTP/1.0\r\n\r\n" >&5 && cat <&5' "$1" >"$2.http" &&
		sed '1,/^\r$/d' "$2.http" >"$2" && [ -s "$2" ]
}

shell()
{
	process /bin/sh -c "$1"
}

# The same facts about links and addresses from "ip -o link; ip -o address" of busybox or iproute2, as words that both print
facts()
{
	sed -nE 's/^[0-9]+: ([a-z0-9]+)[@:].* mtu ([0-9]+) .*link\/ether ([0-9a-f:]+).*/\1 mtu \2 address \3/p
		s/^[0-9]+: ([a-z0-9]+) +(inet6?) ([0-9a-f.:\/]+) .*scope ([a-z]+).*/\1 \2 \3 \4/p' "$1" | sort
}

@test "addresses, MTU and hardware address are those of the namespace" {
	ip -n "$A" address add 192.0.2.77/32 dev eth0
	shell '/bin/busybox ip -o link; /bin/busybox ip -o address'
	run_ok
	printf '%s\n' "$output" >"$SCRATCH/inside"
	{ ip -n "$A" -o link; ip -n "$A" -o address; } >"$SCRATCH/outside"
	same "$(facts "$SCRATCH/inside")" "$(facts "$SCRATCH/outside")"
	grep -q 'eth0 mtu 1400 address 02:00:00:00:01:02' <(facts "$SCRATCH/inside")
	grep -q 'eth0 inet6 2001:db8::2/64' <(facts "$SCRATCH/inside")
	grep -q 'eth0 inet 192.0.2.77/32' <(facts "$SCRATCH/inside")
}

@test "routes and permanent neighbours are those of the namespace" {
	ip -n "$A" route add default via 192.0.2.1
	ip -n "$A" route add 198.51.100.0/24 via 192.0.2.3 metric 50
	ip -n "$A" -6 route add default via 2001:db8::1
	ip -n "$A" neighbour add 192.0.2.9 lladdr 02:00:00:00:00:09 dev eth0 nud permanent
	shell '/bin/busybox ip route; /bin/busybox ip -6 route; /bin/busybox ip neigh'
	run_ok
	has 'default via 192\.0\.2\.1 dev eth0 *' '198\.51\.100\.0/24 via 192\.0\.2\.3 dev eth0 +metric 50 *' \
		'default via 2001:db8::1 dev eth0 .*' '192\.0\.2\.9 dev eth0 lladdr 02:00:00:00:00:09 .*PERMANENT *'
}

@test "ping from the container, IPv4 and IPv6, and frames as long as the MTU" {
	shell '/bin/busybox ping -c 2 -W 5 192.0.2.1 && /bin/busybox ping -6 -c 2 -W 5 2001:db8::1 && /bin/busybox ping -c 1 -s 1372 -W 5 192.0.2.1'
	run_ok
	has '2 packets transmitted, 2 packets received.*'
}

@test "HTTP: a server on the host, 10 MB arrive intact" {
	local sum
	mkdir "$SCRATCH/www"
	head -c 10000000 /dev/urandom >"$SCRATCH/www/data"
	sum=$(sha256sum <"$SCRATCH/www/data")
	ip netns exec "$HOST" "$BUSYBOX" httpd -f -p 8080 -h "$SCRATCH/www" 3>&- 4>&- &
	shell '/bin/busybox wget -q -O /tmp/data http://192.0.2.1:8080/data && /bin/busybox sha256sum </tmp/data'
	config '.root.readonly = false'
	run_ok
	output_is "$sum"
}

@test "HTTP: a server in the container, clients on the host, IPv4 and IPv6" {
	local sum
	mkdir "$BUNDLE/rootfs/www"
	head -c 10000000 /dev/urandom >"$BUNDLE/rootfs/www/data"
	sum=$(sha256sum <"$BUNDLE/rootfs/www/data")
	process /bin/busybox httpd -f -v -p '[::]:80' -h /www
	background "$ID" ""
	PATIENCE=10 eventually fetch 192.0.2.2 "$SCRATCH/data"
	same "$(sha256sum <"$SCRATCH/data")" "$sum"
	fetch 2001:db8::2 "$SCRATCH/data6"
	same "$(sha256sum <"$SCRATCH/data6")" "$sum"
	hv delete -f "$ID"
}

@test "two containers reach each other" {
	make_bundle "$SCRATCH/second"
	join "$SCRATCH/second" "$B"
	mkdir "$BUNDLE/rootfs/www"
	echo hello >"$BUNDLE/rootfs/www/index.html"
	process /bin/busybox httpd -f -p '[::]:80' -h /www
	background "$ID" ""
	config_of "$SCRATCH/second" '.process.args = ["/bin/sh", "-c", "for i in 1 2 3 4 5; do /bin/busybox wget -q -O - http://192.0.2.2:80/ && exit; sleep 1; done; exit 1"]'
	try hv run -b "$SCRATCH/second" "$ID-2"
	status_is 0
	output_is hello
	hv delete -f "$ID"
}

@test "several links, each with its own name and addresses" {
	connect "$A" net1 4
	shell '/bin/busybox ip -o address'
	run_ok
	has '[0-9]+: eth0 +inet 192\.0\.2\.2/24 .*' '[0-9]+: net1 +inet 192\.0\.2\.4/24 .*'
}

@test "an address that is added between create and start is there" {
	shell '/bin/busybox ip -o address'
	create "$ID"
	status_is 0
	ip -n "$A" address add 198.51.100.78/24 dev eth0
	ip -n "$A" address delete 192.0.2.2/24 dev eth0
	hv start "$ID"
	eventually is_state "$ID" stopped
	output=$(<"$SCRATCH/$ID.out")
	has '[0-9]+: eth0 +inet 198\.51\.100\.78/24 .*'
	lacks '192\.0\.2\.2/24'
	hv delete "$ID"
}

@test "a link that a hook brings is there" {
	local hook="pid=\$(sed -n 's/.*\"pid\":[ ]*\\([0-9]*\\).*/\\1/p'); ip -n $B link set eth0 netns \$pid && nsenter -t \$pid -n sh -c 'ip address add 192.0.2.3/24 dev eth0; ip link set eth0 up'"
	config 'del((.linux.namespaces[] | select(.type == "network")).path)'
	config '.hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", $hook], env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]}]' --arg hook "$hook"
	shell '/bin/busybox ip -o address; /bin/busybox ping -c 1 -W 5 192.0.2.1'
	run_ok
	has '[0-9]+: eth0 +inet 192\.0\.2\.3/24 .*' '1 packets transmitted, 1 packets received.*'
}

@test "loopback only: no other link" {
	config 'del((.linux.namespaces[] | select(.type == "network")).path)'
	process /bin/ls /sys/class/net
	run_ok
	output_is lo
}

# With room for links that come later: "spare N"
spare()
{
	only_hvrun || return
	jq -n --argjson n "$1" '{hyperv: {spare_links: $n}}' >"$SCRATCH/hvrun.json"
	HV=("${PLAIN[@]}" --config-file "$SCRATCH/hvrun.json" --log "$SCRATCH/log" --runtime-type "$RUNTIME_TYPE")
}

# One more link, not by the bridge: "plug LINK NUMBER" has the address 198.51.NUMBER.2, its other end is 198.51.NUMBER.1
plug()
{
	ip -n "$A" link add "$1" type veth peer name "far$1" netns "$HOST"
	ip -n "$HOST" address add "198.51.$2.1/24" dev "far$1"
	ip -n "$HOST" link set "far$1" up
	ip -n "$A" link set "$1" mtu 1380 address "02:00:00:00:02:0$2" up
	ip -n "$A" address add "198.51.$2.2/24" dev "$1"
	ip -n "$A" route add "203.0.$2.0/24" via "198.51.$2.1"
}

# What the container says, in the end
inside_has()
{
	hv exec "$ID" /bin/busybox "${@:2}" >"$SCRATCH/inside" 2>/dev/null && grep -qE -- "$1" "$SCRATCH/inside"
}

inside_lacks()
{
	hv exec "$ID" /bin/busybox "${@:2}" >"$SCRATCH/inside" 2>/dev/null && ! grep -qE -- "$1" "$SCRATCH/inside"
}

plugged()
{
	eventually inside_has "198\.51\.$2\.2/24" ip -o address show dev "$1"
	eventually inside_has "203\.0\.$2\.0/24 via 198\.51\.$2\.1 dev $1" ip route
	eventually inside_has ' mtu 1380 ' ip -o link show dev "$1"
	inside_has "02:00:00:00:02:0$2" ip -o link show dev "$1"
	try hv exec "$ID" /bin/busybox ping -c 1 -W 5 "198.51.$2.1"
	status_is 0
}

@test "links that come and go while the container runs, more often than there are cards" {
	local i
	spare 1
	process /bin/init pause
	background "$ID"
	for i in 1 2 3; do
		plug net1 $i
		plugged net1 $i
		ip -n "$A" link delete net1
		eventually inside_lacks net1 ip -o link
	done
	# gone and here again at once, by another name
	plug net2 4
	plugged net2 4
	ip -n "$A" link delete net2
	plug net3 5
	plugged net3 5
	inside_lacks net2 ip -o link
	# what was there all the time
	try hv exec "$ID" /bin/busybox ping -c 1 -W 5 192.0.2.1
	status_is 0
	hv delete -f "$ID"
	[ -z "$(tc -n "$A" qdisc show | grep ingress)" ]
}

@test "an address and a route that come while the container runs" {
	spare 0
	process /bin/init pause
	background "$ID"
	ip -n "$A" address add 198.51.100.78/24 dev eth0
	ip -n "$A" route add 203.0.113.0/24 via 192.0.2.1
	eventually inside_has '198\.51\.100\.78/24' ip -o address
	eventually inside_has '203\.0\.113\.0/24 via 192\.0\.2\.1' ip route
	ip -n "$A" address delete 198.51.100.78/24 dev eth0
	eventually inside_lacks '198\.51\.100\.78' ip -o address
	hv delete -f "$ID"
}

@test "a link that goes between create and start is not there" {
	spare 0
	connect "$A" net1 4
	process /bin/init pause
	create "$ID"
	status_is 0
	ip -n "$A" link delete net1
	hv start "$ID"
	eventually inside_lacks net1 ip -o link
	inside_has eth0 ip -o link
	hv delete -f "$ID"
}

@test "HyperV: a link that comes when there is no card left is told, and the others stay" {
	only_hyperv "links can be shared"
	spare 1
	process /bin/init pause
	background "$ID"
	plug net1 1
	plugged net1 1
	plug net2 2
	eventually file_has "$SCRATCH/log" 'level=warning.*link ."net2.": the virtual machine has been made with 2 network cards.*spare_links'
	# it takes the next one that is free
	ip -n "$A" link delete net1
	plugged net2 2
	inside_lacks net1 ip -o link
	hv delete -f "$ID"
}

@test "nothing is left on the links" {
	local before
	before=$(ip -n "$A" -o link; tc -n "$A" qdisc show)
	run_ok
	same "$(ip -n "$A" -o link; tc -n "$A" qdisc show)" "$before"
}

@test "nothing is left on the links when the container's process was killed on the host" {
	local before
	before=$(ip -n "$A" -o link; tc -n "$A" qdisc show)
	process /bin/init pause
	background "$ID" ""
	kill -KILL "$(container_pid "$ID")"
	eventually is_state "$ID" stopped
	hv delete "$ID"
	same "$(ip -n "$A" -o link; tc -n "$A" qdisc show)" "$before"
}

@test "HyperV: a link that another virtual machine has, or more links than cards, are refused" {
	only_hyperv "links can be shared"
	process /bin/init pause
	background "$ID" ""
	try hv run "$ID-2"
	refused 'link "eth0": another virtual machine has it'
	hv delete -f "$ID"
	create "$ID"
	status_is 0
	connect "$A" net1 4
	try hv start "$ID"
	refused 'link "net1": the virtual machine has been made with 1 network cards'
	hv delete -f "$ID"
}

# One more container, whose network is said by way of the first one's process: "beside NAME PROGRAM [ARG...]"
beside()
{
	make_bundle "$SCRATCH/$1"
	config_of "$SCRATCH/$1" '.process.args = $ARGS.positional' --args -- "${@:2}"
	config_of "$SCRATCH/$1" '(.linux.namespaces[] | select(.type == "network")).path = "/proc/" + $pid + "/ns/net"' --arg pid "$(container_pid "$ID")"
}

@test "the network of another container, where the operator lets it: the same links, and what listens on its loopback" {
	only_hvrun || return
	echo '{"hyperv": {"join_network": true}}' >"$SCRATCH/hvrun.json"
	HV=("${PLAIN[@]}" --config-file "$SCRATCH/hvrun.json" --runtime-type "$RUNTIME_TYPE")
	echo hello >"$BUNDLE/rootfs/data"
	process /bin/sh -c 'busybox httpd -p 127.0.0.1:80 -h / && echo ready: && exec /bin/init pause'
	background "$ID"
	beside two /bin/sh -c 'busybox wget -q -O - http://127.0.0.1/data; busybox ip -o -4 address show dev eth0 | busybox tr -s " "; busybox hostname; busybox cat /data'
	config_of "$SCRATCH/two" '.hostname = "second"'
	cd "$SCRATCH/two"
	try hv run "$ID-two"
	has hello '.*eth0 inet 192.0.2.2/24 .*' second
	errors_have "can't open '/data'"
	is_state "$ID" running
	# one that runs, and ends first
	config_of "$SCRATCH/two" '.process.args = ["/bin/init", "pause"]'
	background "$ID-two"
	same "$(hv exec "$ID-two" /bin/cat /proc/sys/kernel/random/boot_id)" "$(hv exec "$ID" /bin/cat /proc/sys/kernel/random/boot_id)" "kernels"
	hv exec "$ID-two" /bin/busybox wget -q -O - http://127.0.0.1/data >"$SCRATCH/got"
	same "$(<"$SCRATCH/got")" hello
	hv delete -f "$ID-two"
	is_state "$ID" running
	hv delete -f "$ID"
	cd "$BUNDLE"
}

@test "HyperV: the network of another container is refused where the operator has not let it" {
	only_hyperv "the kernel is the same for all"
	before=$(snapshot)
	process /bin/init pause
	config '(.linux.namespaces[] | select(.type == "network")) |= del(.path)'
	background "$ID" ""
	beside two /bin/init pause
	try hv run -b "$SCRATCH/two" "$ID-two"
	refused "is the network of container \"$ID\", which has a virtual machine of its own"
	hv delete -f "$ID"
	machine_unchanged "$before"
}
