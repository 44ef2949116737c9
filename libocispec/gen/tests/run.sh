#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The generator: a schema with each form of a field once against golden output that must also compile; and
# schemas that it must refuse. After an intended change OCISPEC_UPDATE_GOLDEN=1 rewrites the golden files.
here=${srcdir:-.}/gen/tests
python=${PYTHON:-python3}
if [ "$python" = : ] || ! "$python" -c 'import tomllib' 2>/dev/null; then
	echo "1..0 # SKIP no Python 3.11"
	exit 0
fi
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
n=0

# generate SCHEMA-DIRECTORY header|source FILE
generate() {
	"$python" -B "$here/../ocigen.py" "$2" --schema "$1" --prefix tt --header '"tiny.h"' \
		--import "oo=$here/other=<other.h>" ${4:+--overrides "$4"} -o "$3"
}

result() {
	n=$((n + 1))
	[ "$1" -eq 0 ] && echo "ok $n - $2" && return
	echo "not ok $n - $2"
	sed 's/^/# /' "$out/log"
}

for kind in header source; do
	file=tiny.$([ $kind = header ] && echo h || echo c)
	generate "$here/schema" $kind "$out/$file" "$here/overrides.toml" >"$out/log" 2>&1
	[ -z "$OCISPEC_UPDATE_GOLDEN" ] || cp "$out/$file" "$here/golden/$file"
	diff -u "$here/golden/$file" "$out/$file" >>"$out/log" 2>&1
	result $? "$file is as the golden one"
done

"$python" -B "$here/../ocigen.py" header --schema "$here/other" --prefix oo --header '<other.h>' \
	-o "$out/other.h" >"$out/log" 2>&1
${CC:-cc} -std=gnu11 -Wall -Wextra -Werror -I"$out" -I"${srcdir:-.}/include" -c "$out/tiny.c" \
	-o "$out/tiny.o" >>"$out/log" 2>&1
result $? "it compiles"

for dir in "$here"/bad/*; do
	! generate "$dir" header "$out/bad.h" >"$out/log" 2>&1 && grep -q '^ocigen: ' "$out/log" && [ ! -e "$out/bad.h" ]
	result $? "refuses $(basename "$dir")"
done
printf '[names]\nnosuch = "x"\n' >"$out/overrides.toml"
! generate "$here/schema" header "$out/bad.h" "$out/overrides.toml" >"$out/log" 2>&1 &&
	grep -q "overrides for what is not there: \['nosuch'\]" "$out/log"
result $? "refuses an override for nothing"
echo "1..$n"
