#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# ocispec-validate: its exit statuses, and one line for each file that is wrong.
cases=${srcdir:-.}/tests/cases
n=0
echo "1..9"

# check NAME STATUS OUTPUT ARGUMENT...
check() {
	n=$((n + 1)) name=$1 status=$2 expected=$3
	shift 3
	output=$(tools/ocispec-validate "$@" 2>&1)
	actual=$?
	if [ $actual -eq "$status" ] && [ "$output" = "$expected" ]; then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"
		echo "$output (status $actual)" | sed 's/^/# /'
	fi
}

check good 0 "" "$cases/config/good.json" "$cases/config/minimal.json"
check state 0 "" --type state "$cases/state/good.json"
check object 0 "" -t process-state "$cases/process-state/good.json"
bad=$cases/config/missing-root.json
check bad 1 "$bad: missing \"root\"" "$bad" "$cases/config/good.json"
check "other type" 1 "$cases/state/good.json: missing \"ociVersionMin\"" -t features "$cases/state/good.json"
check unknown 0 "$cases/config/windows-hyperv.json: windows.layerFolders: not in the specification" \
	--unknown "$cases/config/windows-hyperv.json"
check "no such file" 1 "$cases/none.json: No such file or directory" "$cases/none.json"
usage=$(tools/ocispec-validate --help)
check "no such type" 2 "ocispec-validate: unknown type nonsense
$usage" -t nonsense "$cases/config/good.json"
check "no file" 2 "$usage"
