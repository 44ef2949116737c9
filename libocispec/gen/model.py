# SPDX-License-Identifier: LGPL-2.1-or-later
"""JSON Schemas -> model: the structs, enums and patterns that emit.py turns into C.

A small part of JSON Schema (2020-12) is understood, and that strictly: a keyword or form not known here is an
error. An object with properties stands in "$defs" (or is the file itself) and becomes a struct, named for its
definition (or file); an enum stands in "$defs" too. Definitions of other types are only shorthand and leave no
trace in C.
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

KEYWORDS = {"$schema", "$ref", "$defs", "description", "title", "type", "enum", "properties", "required",
            "items", "minItems", "minimum", "maximum", "pattern", "additionalProperties"}

# Not usable as a struct member: keywords of C, and macros that gcc predefines with -std=gnu11.
RESERVED = {"auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else", "enum",
            "extern", "float", "for", "goto", "if", "inline", "int", "long", "register", "restrict", "return",
            "short", "signed", "sizeof", "static", "struct", "switch", "typedef", "union", "unsigned", "void",
            "volatile", "while", "asm", "typeof", "bool", "true", "false", "linux", "unix", "i386"}

# The subset of regular expressions that src/pattern.c matches.
ATOM = r"(?:\[\^?(?:\\.|[^\]\\])+\]|\\[nt.\\/$^|*+?()\[\]{}-]|[^\[\]\\(){}|^$*+?])[*+?]?"
PATTERN = re.compile(rf"\^(?:{ATOM})*\$?(?:\|\^(?:{ATOM})*\$?)*")

SCALARS = {"BOOL", "INT32", "UINT32", "INT64", "UINT64", "ENUM"}


class SchemaError(Exception):
    """Something in a schema that cannot become C; the text names the file and the place in it."""


@dataclass
class Enum:
    name: str
    prefix: str
    values: list
    doc: str


@dataclass
class Field:
    json: str
    name: str
    kind: str
    required: bool = False
    is_array: bool = False
    min_items: int = 0
    minimum: int = 0
    maximum: int = 0
    ctype: str = ""
    enum: Enum = None
    pattern: tuple = None
    struct: "Struct" = None
    alias: str = None
    doc: str = ""

    @property
    def has(self):
        return self.kind in SCALARS and not self.required and not self.is_array


@dataclass
class Struct:
    name: str
    prefix: str
    doc: str
    fields: list = field(default_factory=list)
    closed: bool = False
    zero_is_absent: bool = False
    unique: str = None
    is_map_value: bool = False


def integer_kind(minimum, maximum):
    """Signed where negative values are allowed, and where the range ends with int32_t's (as pid_t's does)."""
    if minimum < 0 or maximum == 2**31 - 1:
        return "INT32" if -2**31 <= minimum and maximum < 2**31 else "INT64"
    return "UINT32" if maximum < 2**32 else "UINT64"


def snake(name):
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).replace("-", "_").lower()


class Model:
    """All structs and enums of one directory of schemas, and those of imported ones that they refer to."""

    def __init__(self, directory, prefix, imports=None, overrides=None):
        self.directory = Path(directory).resolve()
        self.prefixes = {self.directory: prefix}
        self.prefixes.update({Path(d).resolve(): p for p, d in (imports or {}).items()})
        self.overrides = overrides or {}
        self.files = {}
        self.structs = {}
        self.enums = {}
        for path in sorted(self.directory.glob("*.json")):
            self._define(path)
        self._check_overrides()

    def own(self, things):
        prefix = self.prefixes[self.directory]
        return [t for t in things.values() if t.prefix == prefix]

    def imported(self):
        prefix = self.prefixes[self.directory]
        return any(t.prefix != prefix for t in [*self.structs.values(), *self.enums.values()])

    def _load(self, path):
        if path not in self.files:
            if path.parent not in self.prefixes:
                raise SchemaError(f"{path}: not in the schema directory or an imported one")
            self.files[path] = json.loads(path.read_text(encoding="utf-8"))
        return self.files[path]

    def _define(self, path):
        schema = self._load(path)
        if "properties" in schema:
            self._struct(path, path.stem, schema)
        for name, definition in schema.get("$defs", {}).items():
            if "properties" in definition:
                self._struct(path, name, definition)
            elif "enum" in definition:
                self._enum(path, name, definition)

    def _resolve(self, path, node, where):
        """Follows $ref; returns where the target stands, its definition's name, and the target."""
        name = None
        while "$ref" in node:
            file, _, pointer = node["$ref"].partition("#")
            path = (path.parent / file).resolve() if file else path
            target = self._load(path)
            name = path.stem
            if pointer:
                name = pointer.removeprefix("/$defs/")
                if name not in target.get("$defs", {}):
                    raise SchemaError(f"{path}: no definition {pointer}")
                target = target["$defs"][name]
            node = target
        unknown = set(node) - KEYWORDS
        if unknown:
            raise SchemaError(f"{path}: {where}: unknown keyword {sorted(unknown)}")
        return path, name, node

    def _enum(self, path, name, node):
        prefix = self.prefixes[path.parent]
        key = (prefix, snake(name))
        if key not in self.enums:
            self.enums[key] = Enum(snake(name), prefix, node["enum"], node.get("description", ""))
        return self.enums[key]

    def _struct(self, path, name, node):
        prefix = self.prefixes[path.parent]
        key = (prefix, snake(name))
        if key not in self.structs:
            struct = self.structs[key] = Struct(snake(name), prefix, node.get("description", ""))
            struct.closed = node.get("additionalProperties") is False
            struct.zero_is_absent = name in self.overrides.get("zero_is_absent", {}).get("types", [])
            struct.unique = self.overrides.get("unique", {}).get(name)
            required = set(node.get("required", []))
            for json_name, member in node["properties"].items():
                struct.fields.append(self._field(path, name, json_name, member, json_name in required))
                required.discard(json_name)
            if required:
                raise SchemaError(f"{path}: {name}: required but not a property: {sorted(required)}")
        return self.structs[key]

    def _field(self, path, owner, json_name, node, required):
        c_name = self.overrides.get("names", {}).get(json_name, snake(json_name))
        if c_name in RESERVED:
            c_name += "_"
        f = Field(json_name, c_name, "", required, doc=node.get("description", ""))
        where = f"{owner}.{json_name}"
        f.alias = self.overrides.get("aliases", {}).get(where)
        path, name, node = self._resolve(path, node, where)
        if node.get("type") == "array":
            f.is_array = True
            f.min_items = node.get("minItems", 0)
            path, name, node = self._resolve(path, node["items"], where)
        self._value(f, path, name, node, where)
        return f

    def _value(self, f, path, name, node, where):
        kind = node.get("type")
        if "enum" in node:
            f.kind, f.enum = "ENUM", self._enum(path, name, node)
        elif kind == "boolean":
            f.kind, f.ctype = "BOOL", "bool"
        elif kind == "integer":
            if "minimum" not in node or "maximum" not in node:
                raise SchemaError(f"{path}: {where}: an integer needs minimum and maximum")
            f.minimum, f.maximum = node["minimum"], node["maximum"]
            f.kind = integer_kind(f.minimum, f.maximum)
            f.ctype = f.kind.lower() + "_t"
        elif kind == "string":
            f.kind = "STRING"
            if "pattern" in node:
                if "title" not in node:
                    raise SchemaError(f"{path}: {where}: a pattern needs a title, for messages")
                f.pattern = (node["pattern"], node["title"])
                if not PATTERN.fullmatch(node["pattern"]):
                    raise SchemaError(f"{path}: {where}: src/pattern.c does not match {node['pattern']}")
        elif kind == "object" and "properties" in node:
            f.kind, f.struct = "OBJECT", self._struct(path, name, node)
        elif kind == "object" and isinstance(node.get("additionalProperties"), dict):
            self._map(f, path, node["additionalProperties"], where)
        else:
            raise SchemaError(f"{path}: {where}: cannot become C: {node}")

    def _map(self, f, path, values, where):
        path, name, node = self._resolve(path, values, where)
        if f.is_array:
            raise SchemaError(f"{path}: {where}: an array of maps")
        if node == {"type": "string"}:
            f.kind = "STRING_MAP"
        elif "properties" in node:
            f.kind, f.struct = "OBJECT_MAP", self._struct(path, name, node)
            f.struct.is_map_value = True
        else:
            raise SchemaError(f"{path}: {where}: a map of neither strings nor objects")

    def _check_overrides(self):
        """An override that names nothing is a mistake: the schema moved on without it."""
        structs = {s.name: {f.json: f for f in s.fields} for s in self.structs.values()}
        aliases, unique = self.overrides.get("aliases", {}), self.overrides.get("unique", {})
        zero = self.overrides.get("zero_is_absent", {}).get("types", [])
        all_fields = {name for fields in structs.values() for name in fields}
        wrong = [k for k in aliases if k.split(".")[1] not in structs.get(snake(k.split(".")[0]), {})]
        wrong += [k for k, v in unique.items() if v not in structs.get(snake(k), {})]
        wrong += [k for k in zero if snake(k) not in structs]
        wrong += [k for k in self.overrides.get("names", {}) if k not in all_fields]
        wrong += [k for k, v in unique.items() if k not in wrong and structs[snake(k)][v].kind != "ENUM"]
        if wrong:
            raise SchemaError(f"overrides for what is not there: {wrong}")
