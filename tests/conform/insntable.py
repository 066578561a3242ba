#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The decode tables (tcg/riscv/insn*.decode) as the conformance guest's table of what it may generate.

    insntable.py OUT.h [TABLE...]     without tables: those of this source tree
"""
import os
import re
import sys

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..'))
sys.path.insert(0, os.path.join(TOP, 'tcg', 'riscv'))
import decodegen  # noqa: E402

LOADS = 'lb lh lw ld lbu lhu lwu flh flw fld'.split()
STORES = 'sb sh sw sd fsh fsw fsd'.split()
BRANCHES = 'beq bne blt bge bltu bgeu'.split()
SYSTEM = 'mret sret wfi sfence.vma sinval.vma sfence.w.inval sfence.inval.ir wrs.nto wrs.sto'.split()


# QEMU 10 takes these for free of side effects and drops them, flags and all, when their result is overwritten later in
# the same translation block. A fence.i after them ends its block.
DROPPED_BY_JUDGE = re.compile(r'fround(nx)?\.')

# What QEMU 7.2 gets wrong needs an extension that only the newer judge has.
WRONG_BEFORE_10 = ['ctzw']


def tables(paths=()):
    names = ('insn32.decode', 'insn_fp.decode', 'insn16.decode')
    return decodegen.Tables(list(paths) or [os.path.join(TOP, 'tcg', 'riscv', n) for n in names])


def kind(insn):
    name = insn.base or insn.name
    if name in LOADS + STORES or name.startswith('prefetch.'):
        return 'MEMORY'
    if name.startswith('cbo.'):
        return 'MEMORY'
    if name.startswith('lr.'):
        return 'LR'
    if name.startswith('sc.'):
        return 'SC'
    if name.startswith('amo'):
        return 'MEMORY'
    if name in BRANCHES or name == 'jal':
        return 'BRANCH'
    if name == 'jalr':
        return 'JALR'
    if name in SYSTEM:
        return 'SYSTEM'
    if name == 'ecall':
        return 'ECALL'
    return 'CSR' if name.startswith('csr') else 'PLAIN'


def access_size(insn):
    name = insn.base or insn.name
    if name.startswith('cbo.') or name.startswith('prefetch.'):
        return 64
    if '.' in name:
        return 8 if name.endswith('.d') else 4
    return {'b': 1, 'h': 2, 'w': 4, 'd': 8}[name.rstrip('u')[-1]]


def extensions(group):
    """Every extension of the tables, in order of appearance: the bits of a mask."""
    seen = []
    for insn in group:
        for either in insn.extensions:
            seen += [e for e in either if e not in seen]
    return seen + ['qemu10']


def everything(t):
    return list(t.insns.values()) + list(t.compressed.values())


def base_register(insn):
    """Where rs1 is: {bit, width, value of an absent field}."""
    if 'rs1' in insn.segments:
        at, width, _ = insn.segments['rs1'][0]
        return f'{at}, {width}, 0'
    value = insn.bindings.get('rs1', '0')
    return f'0, 0, {value if value.isdigit() else 0}'


def row(insn, bits):
    needs = [sum(1 << bits.index(e) for e in either)
             for either in insn.extensions + ([['qemu10']] if insn.name in WRONG_BEFORE_10 else [])]
    avoid = []
    for field, op, value in insn.constraints:
        if op == '!=':
            mask = sum(((1 << width) - 1) << at for at, width, _ in insn.segments[field])
            shift = insn.segments[field][0][0] if len(insn.segments[field]) == 1 else 0
            avoid.append((mask, value << shift))
    segments = ', '.join('{%d, %d, %d}' % s for s in insn.segments.get('imm', []))
    k = kind(insn)
    size = access_size(insn) if k in ('MEMORY', 'LR', 'SC') else 0
    return ('{%#x, %#x, INSN_%s, %d, %d, %d, %d, {%s}, {%s}, {%s}, %d, {%s}}, /* %s */' % (
        insn.mask, insn.match, k, insn.bits // 8, size, int('imm' in insn.signed), int(bool(DROPPED_BY_JUDGE.match(insn.name))), base_register(insn),
        ', '.join('%#xull' % n for n in needs), ', '.join('{%#x, %#x}' % a for a in avoid),
        len(insn.segments.get('imm', [])), segments, insn.name))


def main(argv):
    if len(argv) < 2:
        sys.exit(__doc__)
    t = tables(argv[2:])
    insns = everything(t)
    bits = extensions(insns)
    out = ['/* SPDX-License-Identifier: GPL-2.0-or-later */', '/* Made by insntable.py from the decode tables. */',
           'static const InsnEntry insn_table[] = {']
    out += ['    ' + row(i, bits) for i in insns]
    out += ['};', '']
    with open(argv[1], 'w', encoding='utf-8') as f:
        f.write('\n'.join(out))


if __name__ == '__main__':
    main(sys.argv)
