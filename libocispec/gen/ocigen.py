#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes types.h or types.c from a directory of JSON Schemas (see model.py, emit.py)."""

import argparse
import re
import sys
import tomllib
from pathlib import Path

import emit
from model import Model, SchemaError


def arguments():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("output", choices=["header", "source"])
    p.add_argument("--schema", required=True, metavar="DIR", help="directory of the *.json to translate")
    p.add_argument("--prefix", required=True, help="prefix of all names")
    p.add_argument("--header", required=True, metavar="NAME", help="how it is included: '<ocispec/types.h>'")
    p.add_argument("--overrides", metavar="FILE", help="TOML file: aliases, unique, names, zero_is_absent")
    p.add_argument("--import", dest="imports", action="append", default=[], metavar="PREFIX=DIR=HEADER",
                   help="another directory that schemas may refer to, its types' prefix and its header")
    p.add_argument("-o", dest="file", required=True, metavar="FILE")
    return p.parse_args()


def guard_of(header, prefix):
    """<ocispec/types.h> -> OCISPEC_TYPES_H; "schema/types.h" with prefix hv -> HV_SCHEMA_TYPES_H."""
    name = re.sub(r"[^a-z0-9]", "_", header.strip('<>"').lower())
    return (name if header.startswith("<") else f"{prefix}_{name}").upper()


def main():
    args = arguments()
    imports = [i.split("=", 2) for i in args.imports]
    overrides = tomllib.loads(Path(args.overrides).read_text(encoding="utf-8")) if args.overrides else {}
    model = Model(args.schema, args.prefix, {prefix: schema for prefix, schema, _ in imports}, overrides)
    if args.output == "header":
        guard = guard_of(args.header, args.prefix)
        text = emit.header(model, guard, [h for _, _, h in imports] if model.imported() else [])
    else:
        text = emit.source(model, args.header)
    Path(args.file).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except (SchemaError, OSError, ValueError, KeyError) as e:
        sys.exit(f"ocigen: {type(e).__name__}: {e}")
