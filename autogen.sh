#!/bin/sh
# Makes the build system's generated files: ./autogen.sh && ./configure && make
set -e
cd "$(dirname "$0")"
mkdir -p m4
exec autoreconf --force --install --warnings=all
