#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Our disassembler against GNU objdump, on random encodings of every instruction and on every 16-bit parcel.

    objdump.py DISAS_WORDS DECODEGEN_DIR TABLE...

Exit 77 (skip) when the cross binutils are not installed.
"""
import random
import re
import shutil
import subprocess
import sys
import tempfile

PREFIX = 'riscv64-unknown-elf-'
PC = 0x10000
PER_INSN = 40
EXTENSIONS = ['zicsr', 'zifencei', 'zihintpause', 'zicbom', 'zicbop', 'zicboz', 'zawrs', 'zfh', 'zba', 'zbb', 'zbc', 'zbs',
              'zbkb', 'zbkc', 'zbkx', 'zknd', 'zkne', 'zknh', 'svinval']
# Not known to the oldest binutils that we test with (2.40).
TOO_NEW = re.compile(r'^(c\.(lbu|lhu|lh|sb|sh|zext|sext|not|mul)|czero|fli|fminm|fmaxm|fround|fleq|fltq|fcvtmod)')


def is_zcb(word):
    """Zcb."""
    quadrant, funct6 = word & 3, word >> 10
    return (quadrant == 0 and funct6 >> 3 == 4) or (quadrant == 1 and funct6 == 0b100111 and word & 0x40)


def run(command, **kwargs):
    return subprocess.run(command, check=True, capture_output=True, text=True, **kwargs).stdout


def march():
    return 'rv64imafdc_' + '_'.join(EXTENSIONS)


def objdump(words, folder):
    """[(word, length in bytes)] to objdump's text of each."""
    lines = [f'.short {w:#x}' if n == 2 else f'.short {w & 0xffff:#x}, {w >> 16:#x}' for w, n in words]
    source, obj = f'{folder}/a.s', f'{folder}/a.o'
    with open(source, 'w', encoding='utf-8') as out:
        out.write('.text\n' + '\n'.join(lines) + '\n')
    run([PREFIX + 'as', '-march=' + march(), '-o', obj, source])
    run([PREFIX + 'strip', obj])  # without mapping symbols everything is code
    text = run([PREFIX + 'objdump', '-d', f'--adjust-vma={PC:#x}', obj])
    return [m.group(1) for m in re.finditer(r'^\s*[0-9a-f]+:\t[0-9a-f ]+\t(.*)$', text, re.M)]


def ours(tool, words):
    pc, lines = PC, []
    for word, length in words:
        lines.append(f'{pc:x} {word:x}')
        pc += length
    return run([tool], input='\n'.join(lines) + '\n').splitlines()


IMMEDIATE = {'sltu': 'sltiu', 'addw': 'addiw', 'sllw': 'slliw', 'srlw': 'srliw', 'sraw': 'sraiw', 'rorw': 'roriw'}
IMMEDIATE.update({n: n + 'i' for n in 'add xor or and sll srl sra slt ror bclr bext binv bset csrrw csrrs csrrc csrw csrs csrc'.split()})


def normal(text):
    """One spelling for both: no annotations, no tabs, targets without 0x, and addi where objdump says add."""
    text = re.sub(r'\s*[<#].*', '', text).replace('\t', ' ').strip()
    name, _, operands = text.partition(' ')
    if re.search(r',(-?\d+|0x[0-9a-f]+)$', operands):
        name = IMMEDIATE.get(name, name)
    if re.match(r'(j|jal|b\w+)$', name):
        operands = re.sub(r'0x([0-9a-f]+)$', r'\1', operands)
    return f'{name} {operands}'.strip()


def same(mine, theirs):
    mine, theirs = normal(mine), normal(theirs)
    if mine == theirs:
        return True
    if mine.startswith('.'):  # illegal to us: objdump prints data, or an instruction of a kind that we test below
        return theirs.startswith('.') or theirs.startswith('0x')
    # A CSR that does not exist here has no name.
    if mine.startswith('csr') and re.search(r'\b0x[0-9a-f]{1,3}\b', mine):
        return re.sub(r'\b0x[0-9a-f]{1,3}\b', '*', mine) == re.sub(
            r'^(\w+ (?:\w+,)?)(\w+)((?:,\w+)?)$', r'\1*\3', theirs) or mine.split()[0] == theirs.split()[0]
    return False


def random_word(insn):
    word = random.getrandbits(insn.bits) & ~insn.mask | insn.match
    if random.random() < 0.4:  # registers and immediates that aliases ask for
        for segments in insn.segments.values():
            for at, width, _ in segments:
                if random.random() < 0.4:
                    word = word & ~(((1 << width) - 1) << at) | random.choice([0, 1, (1 << width) - 1]) % (1 << width) << at
    return word


def compare(tool, words, names, known, folder):
    bad = 0
    for (word, length), name, mine, theirs in zip(words, names, ours(tool, words), objdump(words, folder), strict=True):
        if not same(mine, theirs) and not known(word, normal(mine), normal(theirs)):
            bad += 1
            if bad <= 40:
                print(f'{name}: {word:0{2 * length}x}: {mine!r}, objdump {theirs!r}')
    return bad


def known_wide(word, mine, theirs):
    """Differences that are not ours to follow."""
    name = mine.split()[0]
    if TOO_NEW.match(name):
        return True
    if name.startswith('.'):
        return True  # legal to objdump, reserved here: checked by the decode unit test
    if name.startswith('fence'):
        return theirs.startswith('.')  # reserved fields are ignored
    if name in ('fcvt.d.w', 'fcvt.d.wu', 'fcvt.d.s', 'fcvt.s.h', 'fcvt.d.h'):
        return theirs.startswith('.')  # exact, so objdump wants rm = 0
    if name == 'mv':
        return theirs == mine.replace('mv', 'add').replace(',', ',zero,')  # objdump: compressed only
    if name.startswith('f') and re.search(r',(unknown)$', theirs + mine):
        return True  # reserved rounding modes
    return False


def known_compressed(word, mine, theirs):
    if word == 0:
        return theirs == 'unimp'
    if theirs.startswith('c.'):  # a HINT: ours is what it expands to, which changes nothing
        return ' zero,' in mine or mine == 'nop' or re.fullmatch(r's\w+ (\w+),\1,0x0', mine)
    if word == 0x6101:
        return mine.startswith('.')  # c.addi16sp with 0: reserved
    if re.fullmatch(r'mv (\w+),\1', mine):
        return theirs.endswith(',0')  # c.addi with 0: a HINT
    return bool(is_zcb(word))


def main(argv):
    if not shutil.which(PREFIX + 'objdump'):
        print(f'{PREFIX}objdump is not installed')
        return 77
    tool = argv[1]
    sys.path.insert(0, argv[2])
    sys.dont_write_bytecode = True
    import decodegen  # pylint: disable=import-outside-toplevel
    tables = decodegen.Tables(argv[3:])
    random.seed(1)
    with tempfile.TemporaryDirectory() as folder:
        insns = [i for i in tables.insns.values() if not TOO_NEW.match(i.name)]
        words = [(random_word(i), 4) for i in insns for _ in range(PER_INSN)]
        names = [i.name for i in insns for _ in range(PER_INSN)]
        bad = compare(tool, words, names, known_wide, folder)
        parcels = [(w, 2) for w in range(0x10000) if w & 3 != 3]
        bad += compare(tool, parcels, ['parcel'] * len(parcels), known_compressed, folder)
    print(f'{len(words)} words, {len(parcels)} parcels, {bad} differ')
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv))
