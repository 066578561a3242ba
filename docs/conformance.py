#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The numbers of docs/conformance.md, from the results that the test suite and the soak left.

    docs/conformance.py BUILD

Every suite writes BUILD/conformance/NAME.json: an object with "suite" (its name), "failed", and its numbers. What stands
between the two marks in docs/conformance.md is replaced; the rest of the page is written by hand.
"""
import glob
import json
import os
import subprocess
import sys

DOCS = os.path.dirname(os.path.abspath(__file__))
PAGE = os.path.join(DOCS, 'conformance.md')
BEGIN, END = '<!-- measured -->\n', '<!-- end of measured -->\n'


def commit():
    git = subprocess.run(['git', '-C', DOCS, 'describe', '--always', '--dirty', '--abbrev=12'], capture_output=True, text=True)
    return git.stdout.strip() or 'unknown'


def number(value):
    return f'{value:,}'.replace(',', ' ') if isinstance(value, int) else str(value)


def row(result):
    numbers = [f'{number(v)} {k.replace("_", " ")}' for k, v in result.items() if k not in ('suite', 'failed', 'commit', 'seconds', 'first')]
    return f'| {result["suite"]} | {", ".join(numbers)} | {number(result["failed"])} |\n'


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    results = []
    for path in sorted(glob.glob(os.path.join(sys.argv[1], 'conformance', '*.json'))):
        with open(path) as f:
            results.append(json.load(f))
    if not results:
        sys.exit(f'conformance.py: no results in {sys.argv[1]}/conformance: run ./dev test or ./dev fuzz first')
    table = f'Measured at commit {commit()}.\n\n| suite | what was done | failed |\n| --- | --- | --- |\n' + ''.join(map(row, results))
    with open(PAGE) as f:
        before, rest = f.read().split(BEGIN)
    with open(PAGE, 'w') as f:
        f.write(before + BEGIN + table + END + rest.split(END)[1])
    print(f'{PAGE}: {len(results)} suites, {sum(r["failed"] for r in results)} failed')


main()
