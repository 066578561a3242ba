#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Tables that decodegen.py must refuse, each with a word of what it says: decodegen_errors.py DECODEGEN_DIR"""
import sys
import tempfile

FORMATS = 'format R = rd rs1 rs2 : rd,rs1,rs2\nformat I = rd rs1 imm : rd,rs1,imm\n'
ADD = 'add | 0000000 rs2 rs1 000 rd 0110011 | R | i\n'
CASES = [
    ('overlaps add', ADD + 'sum | 0000000 rs2 rs1 000 rd 0110011 | R | m\n'),
    ('overlaps add', ADD + 'inc | imm[11:0] rs1 000 rd 0110011 | I | i\n'),
    ('is not inside', ADD + 'inc | imm[11:0] rs1 000 rd 0010011 | I | i inside add\n'),
    ('31 bits', 'add | 000000 rs2 rs1 000 rd 0110011 | R | i\n'),
    ('33 bits', 'add | 00000000 rs2 rs1 000 rd 0110011 | R | i\n'),
    ('has no rs2', 'add | 000000000000 rs1 000 rd 0110011 | R | i\n'),
    ('twice', ADD + ADD),
    ('rd appears twice', 'add | 0000000 rs2 rd 000 rd 0110011 | R | i\n'),
    ('bit appears twice', 'add | imm[11:7] imm[7:1] rs1 000 rd 0110011 | I | i\n'),
    ('unknown field', 'add | 0000000 rs4 rs1 000 rd 0110011 | R | i\n'),
    ('cannot read', ADD.replace('| i', '| i rd=3')),
    ('no instruction sub', ADD + 'c.sub | 100011 rd\' 00 rs2\' 01 | sub rs1=rd | c\n'),
    ('neither', ADD + 'c.add | 1001 rd rs2 10 | add | c\n'),
    ('not to be given', ADD + 'c.add | 1001 rd rs2 10 | add rs1=rd rd=1 | c\n'),
    ('no instruction sub', ADD + 'alias neg = sub rs1=0 : rd,rs2\n'),
    ('syntax', ADD.strip() + ' | rd;rs1\n'),
    ('no format Q', ADD.replace('| R', '| Q')),
    ('columns', 'add | 0000000 rs2 rs1 000 rd 0110011\n'),
    ('', ADD + 'zero | 0000000 00000 rs1 000 rd 0110011 | I1 | m inside add\n'.replace('I1', 'Z')),
    ('', ADD + "c.add | 1001 rd rs2 10 | add rs1=rd | c rs2!=0\nc.x | 1001 rd 00000 10 | add rs1=rd rs2=0 | c\n"),
]


def main(argv):
    sys.path.insert(0, argv[1])
    sys.dont_write_bytecode = True
    import decodegen  # pylint: disable=import-outside-toplevel
    bad = 0
    for expected, text in CASES:
        with tempfile.NamedTemporaryFile('w', suffix='.decode') as table:
            table.write(FORMATS + 'format Z = rd rs1 : rd,rs1\n' + text)
            table.flush()
            try:
                decodegen.Tables([table.name])
                said = ''
            except decodegen.TableError as error:
                said = str(error)
        if bool(said) != bool(expected) or expected not in said:
            bad += 1
            print(f'{text.strip()}\n    expected {expected!r}, got {said!r}')
    print(f'{len(CASES)} tables, {bad} wrong')
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv))
