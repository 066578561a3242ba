#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The numbers of docs/conformance.md, from the results that the test suite and the soak left.

    docs/conformance.py BUILD

Every suite writes BUILD/conformance/NAME.json: an object with "suite" (its name), "failed", and its numbers; tests/run and
tests/soak add the commit. What stands between the marks in docs/conformance.md is replaced: the table of results, and the
CSRs that are not compared with QEMU (tests/conform/csrtable.py). The rest of the page is written by hand.
"""
import os
import sys

DOCS = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(DOCS, '..', 'tests'), os.path.join(DOCS, '..', 'tests', 'conform')]
import csrtable  # noqa: E402
import results  # noqa: E402

PAGE = os.path.join(DOCS, 'conformance.md')
MEASURED = ('<!-- measured -->\n', '<!-- end of measured -->\n')
CSRS = ('<!-- CSRs -->\n', '<!-- end of CSRs -->\n')
NOT_NUMBERS = ('suite', 'failed', 'commit', 'seconds', 'first', 'machines')


def number(value):
    return f'{value:,}'.replace(',', ' ') if isinstance(value, int) else str(value)


def row(result, commit):
    numbers = [f'{number(v)} {k.replace("_", " ")}' for k, v in result.items() if k not in NOT_NUMBERS and v != 0]
    where = [result['machines']] if 'machines' in result else []
    at = [] if commit else [result['commit']]
    return f'| {" | ".join([result["suite"], ", ".join(numbers + where), number(result["failed"])] + at)} |\n'


def measured(found):
    commits = {r['commit'] for r in found}
    one = next(iter(commits)) if len(commits) == 1 else None
    head = f'Measured at commit {one}.\n\n| suite | what was done | failed |\n| --- | --- | --- |\n' if one else \
        '| suite | what was done | failed | at commit |\n| --- | --- | --- | --- |\n'
    return head + ''.join(row(r, one) for r in found)


def csrs():
    lines = ['| CSRs | compared | why |\n', '| --- | --- | --- |\n']
    for first, last, bits, why in csrtable.DIFFERENCES:
        name = f'{first:#x}' + (f' to {last:#x}' if last != first else '')
        compared = 'no' if bits is None else 'legality' if bits == 0 else f'bits {bits & (1 << 64) - 1:#x}'
        lines.append(f'| {name} | {compared} | {why} |\n')
    return ''.join(lines)


def replaced(text, marks, content):
    before, rest = text.split(marks[0])
    return before + marks[0] + content + marks[1] + rest.split(marks[1])[1]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    found = [r for path, r in results.load(sys.argv[1]) if 'commit' in r]
    if not found:
        sys.exit(f'conformance.py: no results in {sys.argv[1]}/conformance: run ./dev test or ./dev fuzz first')
    found.sort(key=lambda r: r['suite'])
    with open(PAGE, encoding='utf-8') as f:
        text = f.read()
    text = replaced(replaced(text, MEASURED, measured(found)), CSRS, csrs())
    with open(PAGE, 'w', encoding='utf-8') as f:
        f.write(text)
    print(f'{PAGE}: {len(found)} suites, {sum(r["failed"] for r in found)} failed')


main()
