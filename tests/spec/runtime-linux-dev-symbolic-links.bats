# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2034,SC2153,SC2154 # jq programs, and names that the libraries set and use
# runtime-spec 1.3.0 runtime-linux.md, "Dev symbolic links".

load spec

@test "runtime-linux.md#dev-symbolic-links: /dev/fd and the standard streams' names are links" {
	checks stat /dev/fd /dev/stdin /dev/stdout /dev/stderr
	run_ok
	has 'stat /dev/fd: link .* -> /proc/self/fd' 'stat /dev/stdin: link .* -> /proc/self/fd/0' \
		'stat /dev/stdout: link .* -> /proc/self/fd/1' 'stat /dev/stderr: link .* -> /proc/self/fd/2'
}
