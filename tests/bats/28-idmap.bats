# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# mounts[].uidMappings, gidMappings and the options idmap and ridmap: runtime-spec config.md, "Mounts".

load lib

setup_test()
{
	VOLUME=$SCRATCH/volume
	mkdir -p "$VOLUME/below"
	touch "$VOLUME/file"
	chown 1005:1006 "$VOLUME/file"
	chown 1000:1000 "$VOLUME"
}

# Goes before the library looks for what is left: all processes of the machine have this mount.
eval "lib_$(declare -f teardown)"
teardown()
{
	umount "$VOLUME/below" 2>/dev/null || true
	lib_teardown
}

# The volume at /vol with these options, ids 1000 … 1099 of its files as 0 … 99: "mapped OPTION..."
mapped()
{
	config '.mounts += [{"destination": "/vol", "source": $source, "options": $ARGS.positional,
		"uidMappings": [{"containerID": 1000, "hostID": 0, "size": 100}], "gidMappings": [{"containerID": 1000, "hostID": 0, "size": 100}]}]' \
		--arg source "$VOLUME" --args -- "$@"
}

@test "ids of a mount are mapped, of those below it with ridmap only" {
	mapped bind idmap
	checks stat /vol/file
	run_ok
	has 'stat /vol/file: file 0644 5 6'
	# of the same file system: tmpfs can be mapped since Linux 6.3 only
	mkdir "$VOLUME/other"
	mount --bind "$VOLUME/other" "$VOLUME/below"
	touch "$VOLUME/below/file"
	chown 1005:1006 "$VOLUME/below/file"
	config 'del(.mounts[-1])'
	mapped rbind idmap
	checks stat /vol/file /vol/below/file
	run_ok
	has 'stat /vol/file: file 0644 5 6' 'stat /vol/below/file: file 0644 1005 1006'
	config 'del(.mounts[-1])'
	mapped rbind ridmap
	run_ok
	has 'stat /vol/file: file 0644 5 6' 'stat /vol/below/file: file 0644 5 6'
}

@test "mappings alone mean idmap, and what is written is mapped back" {
	mapped bind
	process /bin/sh -c 'touch /vol/new'
	run_ok
	same "$(stat -c %u:%g "$VOLUME/new")" 1000:1000
}

@test "two mounts, two mappings" {
	mapped bind idmap
	config '.mounts += [{"destination": "/again", "source": $source, "options": ["bind", "idmap"],
		"uidMappings": [{"containerID": 1000, "hostID": 50, "size": 10}], "gidMappings": [{"containerID": 1000, "hostID": 60, "size": 10}]},
		{"destination": "/plain", "source": $source, "options": ["bind"]}]' --arg source "$VOLUME"
	checks stat /vol/file /again/file /plain/file
	run_ok
	has 'stat /vol/file: file 0644 5 6' 'stat /again/file: file 0644 55 66' 'stat /plain/file: file 0644 1005 1006'
}

@test "without mappings of its own a mount has the container's" {
	chown -R 300000:300000 "$BUNDLE/rootfs"
	chmod 755 "$SCRATCH" "$BUNDLE"
	config '.linux.namespaces += [{"type": "user"}]
		| .linux.uidMappings = [{"containerID": 0, "hostID": 300000, "size": 65536}] | .linux.gidMappings = .linux.uidMappings
		| .mounts += [{"destination": "/vol", "source": $source, "options": ["bind", "idmap"]}, {"destination": "/plain", "source": $source, "options": ["bind"]}]' \
		--arg source "$VOLUME"
	checks stat /vol/file /plain/file
	run_ok
	has 'stat /vol/file: file 0644 1005 1006' 'stat /plain/file: file 0644 65534 65534'
}

@test "root outside of the container is not mapped: files are made by the container's root, for others too" {
	chown -R 300000:300000 "$BUNDLE/rootfs"
	chown 0:0 "$VOLUME"
	chmod 755 "$SCRATCH" "$BUNDLE"
	config '.linux.namespaces += [{"type": "user"}]
		| .linux.uidMappings = [{"containerID": 0, "hostID": 300000, "size": 65536}] | .linux.gidMappings = .linux.uidMappings
		| .mounts += [{"destination": "/vol", "source": $source, "options": ["bind", "idmap"]}]' --arg source "$VOLUME"
	config '.process.capabilities |= with_entries(.value += ["CAP_CHOWN", "CAP_FOWNER", "CAP_FSETID"])'
	process /bin/sh -c 'mkdir /vol/dir && touch /vol/dir/mine && ln -s mine /vol/dir/link && chown 7:8 /vol/file &&
		touch /vol/other && chown 1234:4321 /vol/other && chmod 4711 /vol/other && mv /vol/other /vol/dir'
	run_ok
	same "$(stat -c '%n %u:%g %a' "$VOLUME"/dir "$VOLUME"/dir/mine "$VOLUME"/dir/other "$VOLUME"/file)" "$VOLUME/dir 0:0 755
$VOLUME/dir/mine 0:0 644
$VOLUME/dir/other 1234:4321 4711
$VOLUME/file 7:8 644"
	same "$(stat -c %u:%g "$VOLUME/dir/link")" 0:0
}

@test "idmap= has the mapping in the option, as crun has it" {
	config '.mounts += [{"destination": "/vol", "source": $source, "options": ["bind", "idmap=uids=1000-0-10#1010-20-5;gids=1000-50-100"]}]' --arg source "$VOLUME"
	checks stat /vol/file
	run_ok
	has 'stat /vol/file: file 0644 5 56'
	# @: what it is mapped to is an id of the container's
	chown -R 300000:300000 "$BUNDLE/rootfs"
	chmod 755 "$SCRATCH" "$BUNDLE"
	config '.linux.namespaces += [{"type": "user"}] | .linux.uidMappings = [{"containerID": 0, "hostID": 300000, "size": 65536}]
		| .linux.gidMappings = .linux.uidMappings | .mounts[-1].options = ["bind", "idmap=uids=@1000-7-10;gids=@1000-0-100"]'
	run_ok
	has 'stat /vol/file: file 0644 12 6'
}

@test "idmap= that is wrong is refused with its text" {
	before=$(snapshot)
	config '.mounts += [{"destination": "/vol", "source": $source, "options": []}]' --arg source "$VOLUME"
	while IFS='|' read -r option text; do
		config '.mounts[-1].options = ["bind", $o]' --arg o "$option"
		try hv create "$ID"
		refused "mounts\\[[0-9]+\\] \"/vol\".*\"$option\".*$text"
	done <<-'EOF'
		idmap=|is not uids= or gids=
		idmap=uids=0-0-1|both needed
		idmap=uids=0-0;gids=0-0-1|"0-0" is not FIRST-MAPPED-COUNT
		idmap=uids=@0-0-1;gids=0-0-1|not in one range of linux.uidMappings
	EOF
	machine_unchanged "$before"
}

@test "what cannot be mapped is refused" {
	before=$(snapshot)
	config '.mounts += [{"destination": "/vol", "source": $source, "options": ["bind", "idmap"]}]' --arg source "$VOLUME"
	try hv run "$ID"
	refused 'mounts\[.*/vol.*idmap'
	config 'del(.mounts[-1]) | .mounts += [{"destination": "/vol", "source": "tmpfs", "type": "tmpfs",
		"uidMappings": [{"containerID": 0, "hostID": 1, "size": 1}], "gidMappings": [{"containerID": 0, "hostID": 1, "size": 1}]}]'
	try hv run "$ID"
	refused 'mounts\[.*/vol.*bind'
	config 'del(.mounts[-1]) | .mounts += [{"destination": "/vol", "source": $source, "options": ["bind", "idmap"],
		"uidMappings": [{"containerID": 0, "hostID": 1, "size": 1}]}]' --arg source "$VOLUME"
	try hv run "$ID"
	refused 'mounts\[.*gidMappings'
	# a file system that does not know mapped ids
	config 'del(.mounts[-1]) | .mounts += [{"destination": "/vol", "source": "/proc/sys", "options": ["bind", "idmap"],
		"uidMappings": [{"containerID": 0, "hostID": 1, "size": 1}], "gidMappings": [{"containerID": 0, "hostID": 1, "size": 1}]}]'
	try hv run "$ID"
	refused 'mounts\[.*support'
	machine_unchanged "$before"
}
