#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Where a batch of run.py first differs: the program, the run, the shortest program that still differs, its last unit.

    localise.py --rr build/cli/rr-emu [--backend NAME] MODE --seed N --batch N

For modes that are not programs it prints the first lines that differ, verbosely.
"""
import argparse
import os
import re
import sys
import tempfile

import run


class Pair:
    """The judge and rr-emu, or the two backends, on the same guest."""

    def __init__(self, args):
        self.args = args
        args.first, args.count, args.timeout = args.batch, 1, 120
        args.work = tempfile.mkdtemp(prefix='rr-emu-conform.')
        args.backends = args.backend or 'x86_64,interp'
        self.suite = run.Suite(args)
        self.a, self.b = self.suite.machines(args.mode)[:2]

    def lines(self, **values):
        values = self.suite.params(self.args.mode, first=self.args.batch, count=1, **values)
        return [run.comparable(self.suite.lines(m, **values)) for m in (self.a, self.b)]

    def difference(self, **values):
        """(index, lines of a, lines of b), or None."""
        a, b = self.lines(**values)
        at = run.first_difference(a, b)
        return None if at is None else (at, a, b)


def disassemble(halves):
    """One line an instruction: offset, word, the names the decode tables have for it, objdump's view if it knows it."""
    insns = run.insntable.everything(run.insntable.tables())
    lines, at = [], 0
    while at < len(halves):
        length = 2 if halves[at] & 3 == 3 else 1
        word = sum(h << (16 * i) for i, h in enumerate(halves[at:at + length]))
        names = [i.name for i in insns if i.bits == 16 * length and word & i.mask == i.match]
        regs = '' if length == 1 else f'rd={word >> 7 & 31} rs1={word >> 15 & 31} rs2={word >> 20 & 31} rm={word >> 12 & 7}'
        lines.append(f'{2 * at:4x}: {word:0{4 * length}x} {"|".join(names) or "?"} {regs}')
        at += length
    return lines


def code_of(lines):
    line = next(x for x in lines if x.startswith('code '))
    end, *halves = line.split()[1:]
    return int(end), [int(h, 16) for h in halves]


def tokens(line):
    return dict(t.split('=') for t in line.split() if '=' in t)


def show_difference(found, names):
    at, a, b = found
    for name, lines in zip(names, (a, b)):
        print(f'{name:12}: {lines[at] if at < len(lines) else "(nothing)"}'[:400])
    if at < min(len(a), len(b)) and a[at].split()[0] == b[at].split()[0]:
        x, y = tokens(a[at]), tokens(b[at])
        for key in x:
            if x[key] != y.get(key):
                print(f'  {key}: {names[0]} {x[key]}, {names[1]} {y.get(key)}')


def localise_program(pair):
    found = pair.difference(verbose=1)
    if not found:
        print('no difference')
        return
    line = next(x for x in found[1][found[0]:] if x.startswith('program '))
    program = int(line.split()[1])
    print(f'program {program}')
    low, high = 0, 64 if pair.args.mode in ('insns', 'virtual') else 128
    while high - low > 1:
        middle = (low + high) // 2
        if pair.difference(verbose=1, only=program + 1, limit=middle):
            high = middle
        else:
            low = middle
    found = pair.difference(verbose=2, only=program + 1, limit=high)
    if not found:
        print('the program alone does not differ: it depends on those before it')
        show_difference(pair.difference(verbose=1), (pair.a.name, pair.b.name))
        return
    at, a, b = found
    end, halves = code_of(a)
    before = code_of(pair.lines(verbose=2, only=program + 1, limit=high - 1)[0])[0] if high > 1 else 0
    print(f'priv line: {next(x for x in a if x.startswith("priv"))}; unit {high - 1}, bytes {before} to {end}:')
    if pair.args.mode in ('insns', 'virtual'):
        for text in disassemble(halves[:end // 2])[-12:]:
            print('  ' + text)
    for lines in (a, b):
        match = re.search(r' at ([0-9a-f]+)', lines[at]) if at < len(lines) else None
        if match and int(match.group(1), 16) < end:
            print('  at ' + disassemble(halves[int(match.group(1), 16) // 2:])[0])
    start = max(i for i in range(at + 1) if a[i].startswith('in ')) if any(x.startswith('in ') for x in a[:at + 1]) else at
    print('in: ' + a[start][:20000] if pair.args.all else '')
    show_difference(found, (pair.a.name, pair.b.name))
    for x in a[start + 1:at]:
        print('  ' + x[:300])


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('mode', choices=run.MODES)
    p.add_argument('--rr', required=True)
    p.add_argument('--backend')
    p.add_argument('--judge', type=int, choices=(7, 10), default=10)
    p.add_argument('--cpu', default='rv64')
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--batch', type=int, default=0)
    p.add_argument('--all', action='store_true')
    pair = Pair(p.parse_args())
    if pair.args.mode in ('insns', 'virtual', 'illegal'):
        localise_program(pair)
    else:
        found = pair.difference(verbose=1)
        if found:
            for line in found[1][max(0, found[0] - 6):found[0]]:
                print('  ' + line[:300])
            show_difference(found, (pair.a.name, pair.b.name))


if __name__ == '__main__':
    main()
