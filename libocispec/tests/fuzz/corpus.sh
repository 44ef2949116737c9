#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The fuzz target over the corpus and over the cases for config.json, as an ordinary test.
echo "1..2"
n=0
for dir in tests/fuzz/corpus tests/cases/config; do
	n=$((n + 1))
	tests/fuzz/fuzz_config "${srcdir:-.}/$dir"/* >fuzz.log 2>&1 && echo "ok $n - $dir" && continue
	echo "not ok $n - $dir"
	sed 's/^/# /' fuzz.log
done
rm -f fuzz.log
