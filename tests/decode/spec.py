#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the cases of spec.txt bare-metal: spec.py DECODEGEN_DIR TABLE... CASES -- COMMAND...

Exit 77 (skip) without the cross assembler.
"""
import re
import shutil
import sys
import tempfile

import differential as guest

CPU = 'rv64,zfh=on,zfhmin=on,zcb=on,zbkb=on,zbkc=on,zbkx=on,zknd=on,zkne=on,zknh=on'
MIDDLE = 67  # of the guest's report: fcsr, x1 to x31, f0 to f31, cause, epc, tval, then memory
LETTERS = {'d': 'rd', 's': 'rs1', 't': 'rs2', 'D': 'rd', 'S': 'rs1', 'T': 'rs2', 'R': 'rs3', 'i': 'imm', 'x': 'imm',
           'u': 'imm', 'p': 'imm', 'n': 'rnum', 'l': 'rs1', 'm': 'rm', 'c': 'csr'}
ROUNDING = {'rne': 0, 'rtz': 1, 'rdn': 2, 'rup': 3, 'rmm': 4}
FLI = ('-1.0 min 1.52587890625e-05 3.0517578125e-05 0.00390625 0.0078125 0.0625 0.125 0.25 0.3125 0.375 0.4375 0.5 '
       '0.625 0.75 0.875 1.0 1.25 1.5 1.75 2.0 2.5 3.0 4.0 8.0 16.0 128.0 256.0 32768.0 65536.0 inf nan').split()


class Word:
    def __init__(self, bits, word):
        self.bits, self.name, self.skips = bits, '', False
        self.word = word


def operand(letter, text):
    if letter == 'm':
        return ROUNDING[text]
    if letter == 'l':
        return FLI.index(text)
    if letter in 'dstDSTR':
        return int(text[1:])
    return int(text, 0) << (12 if letter == 'u' else 0)


def parse_operands(syntax, text):
    """The arguments by name: `syntax` as the tables have it, a letter an operand."""
    pattern = ''
    for letter in syntax:
        group = f'(?P<{LETTERS.get(letter)}>[^,()]+)'
        pattern += {'m': f'(?:,{group})?', 'z': 'rtz'}.get(letter, group if letter in LETTERS else re.escape(letter))
    match = re.fullmatch(pattern, text)
    if not match:
        raise ValueError(f'{text!r} does not fit {syntax!r}')
    letters = {name: letter for letter, name in LETTERS.items() if letter in syntax}
    values = {n: operand(letters[n], v) for n, v in match.groupdict().items() if v is not None}
    if 'm' in syntax:
        values.setdefault('rm', 7)
    return values


def assemble(tables, text):
    name, _, operands = text.strip().partition(' ')
    insn = tables.insns.get(name) or tables.compressed[name]
    base = tables.insns[insn.base] if insn.base else insn
    syntax = base.syntax
    if insn.base:  # one operand stands for two where the expansion reads what it writes, others are implied
        syntax = ','.join(c for c in re.sub('[,()]', '', syntax) if LETTERS[c] in insn.segments)
        syntax = base.syntax if '(' in base.syntax else syntax
    values = parse_operands(syntax, operands.replace(' ', ''))
    word = insn.match
    for field, segments in insn.segments.items():
        if field not in values:
            values[field] = 0
        for at, width, low in segments:
            value = values[field] - (8 if field in insn.compact else 0)
            word |= (value >> low & ((1 << width) - 1)) << at
    return Word(insn.bits, word)


def parse_value(text, middle, report=None):
    if text == 'none':
        return -1
    if text.startswith('x'):
        name, _, offset = text.partition('+')
        return int(report[int(name[1:])], 16) + int(offset or 0)
    if text.startswith('mem'):
        return middle + int(text[3:] or 0)
    return int(text, 0) & (1 << 64) - 1


class SpecCase(guest.Case):
    def __init__(self, tables, line, where):  # pylint: disable=super-init-not-called
        self.where, self.text = where, line
        insns, before, after = line.split('|')
        self.block = [(w, w.word) for w in (assemble(tables, i) for i in insns.split(';'))]
        self.before = dict(w.split('=') for w in before.split())
        self.after = dict(w.split('=') for w in after.split())
        self.seed = 1

    def resolve(self, middle):
        values = {n: parse_value(v, middle) for n, v in self.before.items()}
        self.x = [values.get(f'x{i}', 0) for i in range(32)]
        self.f = [values.get(f'f{i}', 0) for i in range(32)]
        self.fcsr = values.get('fcsr', 0)
        self.memory = {int(n[1:]): v for n, v in values.items() if n[0] == 'm'}

    def code(self, label):
        """Memory is set by code in front of the block."""
        lines = [f'{label}:', '    csrw mscratch, x30', '    csrrw x1, mscratch, x1']
        for offset, value in self.memory.items():
            lines.append(f'    li x30, {value:#x}\n    sd x30, {offset}(x31)')
        lines += ['    csrrw x1, mscratch, x1', '    csrr x30, mscratch']
        head, tail = super().code(label).split('\n', 1)
        assert head == f'{label}:'
        return '\n'.join(lines) + '\n' + tail

    def check(self, report, middle):
        cause = int(report[64], 16) - 1
        got = {'cause': cause, 'fcsr': int(report[0], 16), 'tval': int(report[66], 16)}
        wrong = []
        for name, text in {'cause': 'none', **self.after}.items():
            want = parse_value(text, middle, report)
            if name in got:
                have = got[name]
            elif name[0] == 'm':
                have = int(report[MIDDLE + (2048 + int(name[1:])) // 8], 16)
            else:
                have = int(report[int(name[1:]) + (32 if name[0] == 'f' else 0)], 16)
            if have != want:
                wrong.append(f'{name} is {have:#x}, not {want:#x}')
        return wrong


def main(argv):
    if not shutil.which(guest.PREFIX + 'as'):
        print(f'{guest.PREFIX}as is not installed')
        return 77
    split = argv.index('--')
    sys.path.insert(0, argv[1])
    sys.dont_write_bytecode = True
    import decodegen  # pylint: disable=import-outside-toplevel
    tables, path = decodegen.Tables(argv[2:split - 1]), argv[split - 1]
    cases, cpu = [], CPU
    with open(path, encoding='utf-8') as lines:
        for number, line in enumerate(lines, 1):
            line = line.split('#')[0].strip()
            if line.startswith('cpu '):
                cpu = line.split()[1]
            elif line:
                cases.append(SpecCase(tables, line, f'{path}:{number}'))
    with tempfile.TemporaryDirectory() as folder:
        for case in cases:
            case.resolve(guest.MIDDLE)
        lines = guest.run_guest(argv[split + 1:], cpu, cases, True, folder)
    size = MIDDLE + 4096 // 8 + 1
    bad = 0
    for i, case in enumerate(cases):
        report = lines[i * size:(i + 1) * size]
        wrong = case.check(report, guest.MIDDLE) if len(report) == size else ['no report']
        bad += bool(wrong)
        for text in wrong:
            print(f'{case.where}: {case.text.split("|")[0].strip()}: {text}')
    print(f'{len(cases)} cases, {bad} fail')
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv))
