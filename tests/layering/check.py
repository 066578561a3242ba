#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may include whom (docs/architecture.md). usage: check.py TOP"""
import os, re, sys

ALLOWED = {
    "schema": {"schema"},
    "core": {"core", "schema"},
    "tcg": {"tcg", "core", "schema"},
    "record": {"record", "core", "schema"},
    "replay": {"replay", "core", "record", "schema"},
    "analyses": {"analyses", "core", "schema"},
    "triage": {"triage", "replay", "record", "analyses", "core", "schema"},
    "cli": {"cli", "triage", "analyses", "replay", "record", "tcg", "core", "schema"},
}
# What only one folder may use.
ONLY = {"sqlite3.h": "analyses/store/", "zstd.h": ("record/", "analyses/"), "capstone/capstone.h": "tcg/"}
# The built-in analyses are plugins: the public interface and each other, and nothing else of ours.
BUILTIN = "analyses/builtin/"
PUBLIC = "analyses/rr-plugin.h"


def includes(path):
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        m = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
        if m:
            yield number, m.group(1) == '"', m.group(2)


def main():
    top, bad, seen = sys.argv[1], [], 0
    for folder, allowed in ALLOWED.items():
        for base, _, names in os.walk(os.path.join(top, folder)):
            for name in sorted(names):
                if not name.endswith((".c", ".h")):
                    continue
                path = os.path.join(base, name)
                rel = os.path.relpath(path, top)
                seen += 1
                if "SPDX-License-Identifier" not in open(path, encoding="utf-8").readline():
                    bad.append(f"{rel}:1: no SPDX line")
                for number, own, what in includes(path):
                    target = what.split("/")[0]
                    if own and "/" in what and target in ALLOWED and target not in allowed:
                        bad.append(f"{rel}:{number}: {folder}/ includes {what}")
                    if own and rel.startswith(BUILTIN) and what != PUBLIC and not what.startswith(BUILTIN):
                        bad.append(f"{rel}:{number}: a built-in analysis includes {what}; it may include {PUBLIC} only")
                    if what in ONLY and not rel.startswith(ONLY[what]):
                        bad.append(f"{rel}:{number}: {what} is for {ONLY[what]} only")
    print("\n".join(bad) if bad else f"{seen} files keep to the layering")
    sys.exit(1 if bad or not seen else 0)


main()
