#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Decode tables (insn*.decode) to C: the instruction list, the decoder and the disassembler's tables.

    decodegen.py header OUT TABLE...     enum InsnId and the prototypes of the trans functions
    decodegen.py source OUT TABLE...     riscv_decode(), riscv_insns[], riscv_aliases[]

The notation is described at the top of insn32.decode. Anything unclear in a table is an error that names the line.
"""
import re
import sys

REGISTERS = {'rd': 5, 'rs1': 5, 'rs2': 5, 'rs3': 5, "rd'": 3, "rs1'": 3, "rs2'": 3}
FIELDS = {**REGISTERS, 'rm': 3, 'aq': 1, 'rl': 1, 'csr': 12, 'fm': 4, 'pred': 4, 'succ': 4, 'rnum': 4}
ARGS = ['rd', 'rs1', 'rs2', 'rs3', 'rm', 'aq', 'rl', 'csr', 'fm', 'pred', 'succ', 'rnum', 'imm']
SYNTAX = {'rd': 'd', 'rs1': 's', 'rs2': 't', 'fd': 'D', 'fs1': 'S', 'fs2': 'T', 'fs3': 'R', 'imm': 'i', 'hex': 'x',
          'upper': 'u', 'target': 'p', 'csr': 'c', 'pred': 'P', 'succ': 'Q', 'rnum': 'n', 'fli': 'l', 'rtz': 'z'}


class TableError(Exception):
    pass


class Insn:
    """One line: mask/match, where each argument's bits are, and under what conditions it applies."""

    def __init__(self, name, where):
        self.name, self.where = name, where
        self.mask = self.match = self.bits = 0
        self.segments = {}   # argument -> [(bit in the instruction, width, bit in the value)]
        self.signed = set()
        self.compact = set()  # 3-bit register fields
        self.extensions, self.constraints = [], []
        self.inside = None
        self.args, self.bindings, self.base, self.syntax = [], {}, None, ''

    @property
    def ident(self):
        return self.name.replace('.', '_')

    def error(self, text):
        raise TableError(f'{self.where}: {self.name}: {text}')


def parse_immediate(insn, token, at):
    """imm[4:1|11], ending just above bit `at` counted from the top: the segments and the width."""
    kind, spec = re.fullmatch(r'((?:nz)?u?imm)\[([0-9:|]+)\]', token).groups()
    for part in spec.split('|'):
        high, _, low = part.partition(':')
        high, low = int(high), int(low or high)
        at -= high - low + 1
        insn.segments.setdefault('imm', []).append((at, high - low + 1, low))
    if kind.startswith('nz'):
        constraint = ('imm', '!=', 0)
        if constraint not in insn.constraints:
            insn.constraints.append(constraint)
    if 'u' not in kind:
        insn.signed.add('imm')
    return at


def parse_pattern(insn, pattern, width):
    at = width
    for token in pattern.split():
        if re.fullmatch('[01]+', token):
            at -= len(token)
            if at < 0:
                break
            insn.mask |= ((1 << len(token)) - 1) << at
            insn.match |= int(token, 2) << at
        elif token in FIELDS:
            at -= FIELDS[token]
            name = token.rstrip("'")
            if name in insn.segments:
                insn.error(f'{token} appears twice')
            insn.segments[name] = [(at, FIELDS[token], 0)]
            if token.endswith("'"):
                insn.compact.add(name)
        elif re.fullmatch(r'(nz)?u?imm\[[0-9:|]+\]', token):
            at = parse_immediate(insn, token, at)
        else:
            insn.error(f'unknown field {token!r}')
    if at:
        insn.error(f'the pattern has {width - at} bits, not {width}')
    seen = 0
    for _, length, low in insn.segments.get('imm', []):
        bits = ((1 << length) - 1) << low
        if seen & bits:
            insn.error('an immediate bit appears twice')
        seen |= bits
    insn.bits = width


def parse_conditions(insn, text):
    words = text.split()
    while words:
        word = words.pop(0)
        if word == 'inside':
            insn.inside = words.pop(0)
            continue
        constraint = re.fullmatch(r'([a-z0-9]+)(!=|<=)(-?\w+)', word)
        if constraint:
            field, op, value = constraint.groups()
            if field not in insn.segments:
                insn.error(f'the pattern has no {field}')
            insn.constraints.append((field, op, int(value, 0)))
        elif re.fullmatch(r'[a-z0-9]+(\|[a-z0-9]+)*', word):
            insn.extensions.append(word.split('|'))
        else:
            insn.error(f'cannot read the condition {word!r}')


def compile_syntax(text, where):
    out = ''
    for token in re.findall(r',rm|[a-z][a-z0-9]*|.', text.strip()):
        if token == ',rm':
            out += 'm'
        elif token in ',()':
            out += token
        elif token in SYNTAX:
            out += SYNTAX[token]
        else:
            raise TableError(f'{where}: cannot read {token!r} in the syntax {text!r}')
    return out


class Tables:
    def __init__(self, paths):
        self.formats, self.insns, self.compressed, self.aliases = {}, {}, {}, []
        for path in paths:
            self.read(path)
        for insn in self.compressed.values():
            self.resolve(insn)
        for group in (self.insns, self.compressed):
            check_overlaps(list(group.values()))

    def read(self, path):
        with open(path, encoding='utf-8') as table:
            for number, line in enumerate(table, 1):
                line, where = line.split('#')[0].rstrip(), f'{path}:{number}'
                if not line:
                    continue
                if line.startswith('format '):
                    self.read_format(line, where)
                elif line.startswith('alias '):
                    self.read_alias(line, where)
                else:
                    self.read_insn(line, where)

    def read_format(self, line, where):
        match = re.fullmatch(r'format\s+(\w+)\s*=([^:]*):(.*)', line)
        if not match:
            raise TableError(f'{where}: expected: format NAME = ARGUMENTS : SYNTAX')
        name, args, syntax = match.groups()
        self.formats[name] = (args.split(), compile_syntax(syntax, where))

    def read_insn(self, line, where):
        columns = [c.strip() for c in line.split(' | ')]
        if len(columns) not in (4, 5):
            raise TableError(f'{where}: expected 4 or 5 columns')
        insn = Insn(columns[0], where)
        compressed = insn.name.startswith('c.')
        group = self.compressed if compressed else self.insns
        if insn.name in group:
            insn.error('defined twice')
        group[insn.name] = insn
        parse_pattern(insn, columns[1], 16 if compressed else 32)
        parse_conditions(insn, columns[3])
        if compressed:
            insn.base, *bindings = columns[2].split()
            insn.bindings = dict(b.split('=') for b in bindings)
        else:
            if columns[2] not in self.formats:
                insn.error(f'no format {columns[2]}')
            insn.args, insn.syntax = self.formats[columns[2]]
            if len(columns) == 5:
                insn.syntax = compile_syntax(columns[4], where)
            for arg in insn.args:
                if arg not in insn.segments:
                    insn.error(f'the pattern has no {arg}, which its format needs')

    def read_alias(self, line, where):
        match = re.fullmatch(r'alias\s+(\S+)\s*=\s*(\S+)([^:]*):(.*)', line)
        if not match:
            raise TableError(f'{where}: expected: alias NAME = INSN CONDITIONS : SYNTAX')
        name, base, conditions, syntax = match.groups()
        if base not in self.insns:
            raise TableError(f'{where}: no instruction {base}')
        tests = [tuple(c.split('=')) for c in conditions.split()]
        self.aliases.append((name, base, tests, compile_syntax(syntax, where)))

    def resolve(self, insn):
        base = self.insns.get(insn.base)
        if not base:
            insn.error(f'no instruction {insn.base} to stand for')
        insn.args = base.args
        for arg in base.args:
            if arg not in insn.segments and arg not in insn.bindings:
                insn.error(f'neither the pattern nor the list gives {arg} of {insn.base}')
        for arg in insn.bindings:
            if arg not in base.args or arg in insn.segments:
                insn.error(f'{arg} is not to be given')


def excludes(a, b):
    """Does a constraint FIELD!=V of `a` rule out every word of `b`?"""
    for field, op, value in a.constraints:
        segments = a.segments.get(field, [])
        if op != '!=' or len(segments) != 1 or field in a.compact:
            continue
        at, width, low = segments[0]
        bits = ((1 << width) - 1) << at
        if b.mask & bits == bits and (b.match & bits) >> at == value >> low:
            return True
    return False


def check_overlaps(insns):
    names = {i.name: i for i in insns}
    for a in insns:
        if a.inside:
            outer = names.get(a.inside)
            if not outer or outer.mask & a.mask != outer.mask or (outer.match ^ a.match) & outer.mask:
                a.error(f'is not inside {a.inside}')
    for i, a in enumerate(insns):
        for b in insns[:i]:
            if (a.match ^ b.match) & a.mask & b.mask:
                continue
            if a.inside != b.name and b.inside != a.name and not excludes(a, b) and not excludes(b, a):
                a.error(f'overlaps {b.name} ({b.where})')


# ---- C ---------------------------------------------------------------------------------------------------------

def field_expr(insn, arg):
    """C for one argument, from `insn`."""
    terms, top = [], 0
    for at, width, low in insn.segments[arg]:
        term = f'(insn >> {at} & {(1 << width) - 1:#x}u)' if at else f'(insn & {(1 << width) - 1:#x}u)'
        terms.append(f'{term} << {low}' if low else term)
        top = max(top, low + width)
    text = ' | '.join(terms)
    if arg in insn.signed:
        return f'sign_extend({text}, {top})'
    if arg in insn.compact:
        return f'8 + {text}'
    return text


def extraction(insn):
    lines = [f'a->{arg} = {field_expr(insn, arg)};' for arg in insn.args if arg in insn.segments]
    for arg, value in insn.bindings.items():
        lines.append(f'a->{arg} = a->{value};' if value in ARGS else f'a->{arg} = {value};')
    return tuple(lines)


class Decoder:
    """A tree of switches over the bits that all candidates fix, and at its leaves the conditions."""

    def __init__(self):
        self.extractors, self.out = {}, []

    def condition(self, insn, tested):
        terms = []
        rest = insn.mask & ~tested
        if rest:
            terms.append(f'(insn & {rest:#x}u) == {insn.match & rest:#x}u')
        for group in insn.extensions:
            either = ' || '.join(f'isa->{e}' for e in group)
            terms.append(f'({either})' if len(group) > 1 else either)
        for field, op, value in insn.constraints:
            expr = field_expr(insn, field)
            terms.append(f'({expr}) {op} {value}')
        return terms

    def leaf(self, insn, tested, pad):
        terms = self.condition(insn, tested)
        extract = extraction(insn)
        if extract:
            self.extractors.setdefault(extract, f'extract_{len(self.extractors)}')
        body = f'{self.extractors[extract]}(insn, a);' if extract else ''
        inner = pad + '    ' if terms else pad
        if terms:
            self.out.append(f"{pad}if ({' && '.join(terms)}) {{")
        if body:
            self.out.append(f'{inner}{body}')
        self.out.append(f'{inner}return INSN_{insn.ident};')
        if terms:
            self.out.append(f'{pad}}}')
        return bool(terms)

    def tree(self, insns, tested, depth):
        pad = '    ' * (depth + 1)
        common = ~tested
        for insn in insns:
            common &= insn.mask
        if common and len(insns) > 1:
            self.out.append(f'{pad}switch (insn & {common:#x}u) {{')
            groups = {}
            for insn in insns:
                groups.setdefault(insn.match & common, []).append(insn)
            for value in sorted(groups):
                self.out.append(f'{pad}case {value:#x}u:')
                self.tree(groups[value], tested | common, depth + 1)
            self.out.append(f'{pad}}}')
            self.out.append(f'{pad}return INSN_illegal;')
            return
        open_end = True
        for insn in sorted(insns, key=lambda i: not i.inside):
            open_end = self.leaf(insn, tested, pad)
        if open_end:
            self.out.append(f'{pad}return INSN_illegal;')

    def function(self, name, insns):
        self.out.append(f'static InsnId {name}(const Isa *isa, uint32_t insn, InsnArgs *a)')
        self.out.append('{')
        self.tree(insns, 0, 0)
        self.out += ['}', '']


BANNER = '/* SPDX-License-Identifier: GPL-2.0-or-later */\n/* Made by decodegen.py from the decode tables. */\n'


def header(tables):
    out = [BANNER, '#ifndef TCG_RISCV_INSNS_H', '#define TCG_RISCV_INSNS_H', '',
           'typedef enum InsnId {', '    INSN_illegal,']
    out += [f'    INSN_{i.ident},' for i in tables.insns.values()]
    out += [f'    INSN_{i.ident},' for i in tables.compressed.values()]
    out += ['    INSN_COUNT', '} InsnId;', '', 'struct Trans;', 'struct InsnArgs;', '']
    out += [f'bool trans_{i.ident}(struct Trans *t, const struct InsnArgs *a);' for i in tables.insns.values()]
    return '\n'.join(out + ['', '#endif', ''])


def field_table(insn):
    rows = [f'{{ARG_{arg}, {at}, {width}, {low}, {int(arg in insn.compact)}}}'
            for arg, segments in insn.segments.items() for at, width, low in segments if arg in insn.args]
    return rows


def source(tables):
    decoder = Decoder()
    decoder.function('decode16', list(tables.compressed.values()))
    decoder.function('decode32', list(tables.insns.values()))
    out = [BANNER, '#include "tcg/riscv/decode.h"', '',
           'static inline int64_t sign_extend(uint64_t value, unsigned bits)', '{',
           '    return (int64_t)(value << (64 - bits)) >> (64 - bits);', '}', '']
    for lines, name in decoder.extractors.items():
        out.append(f'static inline void {name}(uint32_t insn, InsnArgs *a)')
        out += ['{'] + [f'    {line}' for line in lines] + ['}', '']
    out += decoder.out
    out += ['InsnId riscv_decode(const Isa *isa, uint32_t insn, InsnArgs *a)', '{', '    *a = (InsnArgs){0};',
            '    return (insn & 3) == 3 ? decode32(isa, insn, a) : decode16(isa, insn & 0xffff, a);', '}', '']
    everything = list(tables.insns.values()) + list(tables.compressed.values())
    for insn in everything:
        rows = field_table(insn)
        if rows:
            out.append(f"static const InsnField fields_{insn.ident}[] = {{{', '.join(rows)}}};")
    out += ['', 'const InsnInfo riscv_insns[INSN_COUNT] = {', '    [INSN_illegal] = {.name = "illegal"},']
    for insn in everything:
        base = tables.insns[insn.base] if insn.base else insn
        rows = field_table(insn)
        fields = f'fields_{insn.ident}, {len(rows)}' if rows else 'NULL, 0'
        out.append(f'    [INSN_{insn.ident}] = {{"{insn.name}", "{base.syntax}", trans_{base.ident}, INSN_{base.ident}, '
                   f'{insn.mask:#x}u, {insn.match:#x}u, {fields}}},')
    out += ['};', '', 'const InsnAlias riscv_aliases[] = {']
    for name, base, tests, syntax in tables.aliases:
        rows = []
        for arg, value in tests:
            rows.append(f'{{ARG_{arg}, true, ARG_{value}}}' if value in ARGS else f'{{ARG_{arg}, false, {value}}}')
        ident = tables.insns[base].ident
        tests_text = ', '.join(rows) or '{0}'
        out.append(f'    {{"{name}", "{syntax}", INSN_{ident}, {len(rows)}, {{{tests_text}}}}},')
    out += ['};', 'const size_t riscv_n_aliases = G_N_ELEMENTS(riscv_aliases);', '']
    return '\n'.join(out)


def main(argv):
    if len(argv) < 4 or argv[1] not in ('header', 'source'):
        sys.exit(__doc__)
    try:
        text = {'header': header, 'source': source}[argv[1]](Tables(argv[3:]))
    except TableError as error:
        sys.exit(str(error))
    with open(argv[2], 'w', encoding='utf-8') as out:
        out.write(text)


if __name__ == '__main__':
    main(sys.argv)
