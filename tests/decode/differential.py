#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Random instruction blocks, run bare-metal here and on qemu-system-riscv64: same registers, memory, flags and traps.

    differential.py DECODEGEN_DIR TABLE... -- COMMAND... [--seed N] [--cases N]

COMMAND runs a machine: `-bios FILE -cpu MODEL` is appended, and what the guest's UART says is read from its stdout.
A case loads all registers, runs a block, and prints a sum over every register, fcsr, memory and the trap it took, if
any. On a difference the block is shortened to the first instruction that makes one, and both states are shown.
Exit 77 (skip) without QEMU or the cross assembler.
"""
import argparse
import random
import re
import shutil
import subprocess
import sys
import tempfile

QEMU = 'qemu-system-riscv64'
PREFIX = 'riscv64-unknown-elf-'
# What QEMU 7.2 has. Its defaults have no Zfh, Zbk* or Zk*.
EXTENSIONS = set('i m a f d c zicsr zifencei zba zbb zbc zbs zfh zfhmin zbkb zbkc zbkx zknd zkne zknh'.split())
CPU = 'rv64,zfh=on,zfhmin=on,zbkb=on,zbkc=on,zbkx=on,zknd=on,zkne=on,zknh=on'
QEMU_CPU = CPU.replace('zfhmin=on', 'Zfhmin=on').replace('zfh=on', 'Zfh=on')
SKIP = {'jalr', 'c.jr', 'c.jalr', 'mret', 'sret', 'wfi',
        'ebreak', 'c.ebreak',  # QEMU 7.2 leaves tval 0
        'ctzw'}  # QEMU 7.2 counts in 64 bits
BASES = (2, 8, 31)  # registers that hold the address of the block's memory, and are never written
CSRS = {'fflags': 1, 'frm': 2, 'fcsr': 3, 'mscratch': 0x340}
BLOCK = 12
MIDDLE = 0x80001800  # the guest's address of `middle`

GUEST = r'''
    .text
    .globl _start
_start:
    la t0, trap
    csrw mtvec, t0
    li t0, 0x6600
    csrs mstatus, t0
    la s11, cases
next:
    ld t0, 0(s11)
    beqz t0, done
    la t1, current
    sd s11, 0(t1)
    la t1, trapped
    sd zero, 0(t1)
    sd zero, 8(t1)
    sd zero, 16(t1)
    /* memory: a pattern that depends on the seed */
    la t1, memory
    li t2, 512
    ld t3, 8(s11)
1:  sd t3, 0(t1)
    slli t4, t3, 13
    xor t3, t3, t4
    srli t4, t3, 7
    xor t3, t3, t4
    addi t1, t1, 8
    addi t2, t2, -1
    bnez t2, 1b
    ld t1, 16(s11)
    csrw fcsr, t1
    csrw mscratch, t0
    addi x31, s11, 24
    .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fld f\n, (\n*8)(x31)
    .endr
    .irp n,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
    ld x\n, (256+\n*8)(x31)
    .endr
    la x31, middle
    mv x2, x31
    mv x8, x31
    csrr x30, mscratch
    jr x30
after:
    csrw mscratch, x30
    lui x30, 6
    csrs mstatus, x30
    la x30, save
    .irp n,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,31
    sd x\n, (\n*8)(x30)
    .endr
    csrr x1, mscratch
    sd x1, (30*8)(x30)
    csrr x1, fcsr
    sd x1, 0(x30)
    .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fsd f\n, (256+\n*8)(x30)
    .endr
    call report
    la t1, current
    ld s11, 0(t1)
    li t0, 24+512
    add s11, s11, t0
    j next

    .balign 4
trap:
    csrw mscratch, x30
    la x30, save
    sd x29, 0(x30)
    la x29, trapped
    csrr x30, mcause
    addi x30, x30, 1
    sd x30, 0(x29)
    csrr x30, mepc
    sd x30, 8(x29)
    csrr x30, mtval
    sd x30, 16(x29)
    la x30, save
    ld x29, 0(x30)
    la x30, after
    csrw mepc, x30
    csrr x30, mscratch
    mret

done:
    li t0, 0x100000
    li t1, 0x5555
    sw t1, 0(t0)
    j .

    /* s0 bytes of text: each value in hexadecimal, or the sum of all */
report:
    mv s10, ra
    la s0, save
    la s1, save_end
    li s2, 0
2:  ld s3, 0(s0)
    la t0, verbose
    ld t0, 0(t0)
    beqz t0, 3f
    mv a0, s3
    call print
3:  xor s2, s2, s3
    li t0, 0x9e3779b97f4a7c15
    mul s2, s2, t0
    srli t0, s2, 29
    xor s2, s2, t0
    addi s0, s0, 8
    bltu s0, s1, 2b
    mv a0, s2
    call print
    jr s10
print:
    li t2, 60
    li t3, 0x10000000
4:  srl t0, a0, t2
    andi t0, t0, 15
    addi t0, t0, '0'
    li t1, '9'
    ble t0, t1, 5f
    addi t0, t0, 'a'-'9'-1
5:  sb t0, 0(t3)
    addi t2, t2, -4
    bgez t2, 4b
    li t0, '\n'
    sb t0, 0(t3)
    ret

    .org 0x1000 - 24 - 512 - 16
verbose: .8byte {verbose}
current: .8byte 0
save: .zero 512
trapped: .zero 24
memory: .zero 2048
middle: .zero 2048
save_end:
cases:
{cases}
    .8byte 0
    .balign 16
{blocks}
'''
NAMES = ['fcsr'] + [f'x{i}' for i in range(1, 32)] + [f'f{i}' for i in range(32)] + ['cause+1', 'epc', 'tval']


class Case:
    """Register contents and a block of (instruction, word)."""

    def __init__(self, pick):
        self.seed = random.getrandbits(63) | 1
        self.fcsr = random.choice([0, 0x20, 0x40, 0x60, 0x80, 0x1f])
        self.f = [value_f() for _ in range(32)]
        self.x = [value_x() for _ in range(32)]
        self.block = [pick() for _ in range(BLOCK)]
        width = 0
        for i, (insn, word) in enumerate(self.block):
            if insn.name.startswith('lr.'):
                width = word & 0x7000
            elif insn.name.startswith('sc.') and width:  # whether sc.w may follow lr.d is left open by the manual
                self.block[i] = insn, word & ~0x7000 | width
            if insn.skips:
                after = self.block[i + 1][0].bits // 8 if i + 1 < BLOCK else 2
                self.block[i] = insn, set_distance(insn, word, insn.bits // 8 + after)

    def data(self, label):
        values = [self.seed, self.fcsr] + self.f + self.x
        return f'    .8byte {label}\n' + '\n'.join(f'    .8byte {v:#x}' for v in values)

    def code(self, label):
        lines = [f'{label}:']
        for insn, word in self.block:
            low, high = word & 0xffff, word >> 16
            lines.append(f'    .2byte {low:#x}' + (f', {high:#x}' if insn.bits == 32 else ''))
        # A branch over what follows the last instruction lands behind the first.
        return '\n'.join(lines) + '\n    nop\n    nop\n    la x30, after\n    jr x30\n'


def value_x():
    kind = random.random()
    if kind < 0.3:
        return random.choice([0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0x7fffffff, 0x80000000, 0xffffffff, 1 << 63,
                              (1 << 63) - 1, (1 << 64) - 1, (1 << 64) - 2, 0xffffffff80000000])
    if kind < 0.5:
        return random.getrandbits(random.choice([8, 16, 32, 33, 63]))
    return random.getrandbits(64)


def value_f():
    kind = random.random()
    if kind < 0.35:  # a boxed single
        edge = random.choice([0, 1, 0x7f800000, 0x7fc00000, 0x7f800001, 0x007fffff, 0x00800000, 0x3f800000, 0x4effffff,
                              0x4f000000, 0x5f000000, random.getrandbits(31)])
        return 0xffffffff << 32 | edge | random.getrandbits(1) << 31
    if kind < 0.5:  # a boxed half
        edge = random.choice([0, 1, 0x7c00, 0x7e00, 0x7c01, 0x03ff, 0x0400, 0x3c00, random.getrandbits(15)])
        return 0xffffffffffff << 16 | edge | random.getrandbits(1) << 15
    if kind < 0.75:
        edge = random.choice([0, 1, 0x7ff << 52, 0x7ff8 << 48, 0x7ff << 52 | 1, (1 << 52) - 1, 1 << 52, 0x3ff << 52,
                              0x41e << 52, 0x43e << 52, random.getrandbits(30) << 23 | 0x3e0 << 52])
        return edge | random.getrandbits(1) << 63
    return random.getrandbits(64)


def put(insn, word, field, value):
    """Set a whole register field; the word, or None where the field cannot hold it."""
    at, width, _ = insn.segments[field][0]
    value -= 8 if field in insn.compact else 0
    if not 0 <= value < 1 << width:
        return None
    return word & ~(((1 << width) - 1) << at) | value << at


def is_memory(base):
    return base.opcode in (0x03, 0x23, 0x07, 0x27, 0x2f)


def random_insn(insns, tables):
    while True:
        insn = random.choice(insns)
        base = tables.insns[insn.base] if insn.base else insn
        word = random.getrandbits(insn.bits) & ~insn.mask | insn.match
        if is_memory(base) and 'rs1' in insn.segments:
            word = put(insn, word, 'rs1', random.choice((8,) if 'rs1' in insn.compact else BASES))
        if 'csr' in insn.segments:
            word = put(insn, word, 'csr', random.choice(list(CSRS.values())))
        if 'rm' in insn.segments and random.random() < 0.7:
            word = put(insn, word, 'rm', random.choice([0, 1, 2, 3, 4, 7, 7, 7]))
        if word is None or not acceptable(insn, base, word):
            continue
        return insn, word


def set_distance(insn, word, distance):
    for at, width, low in insn.segments['imm']:
        mask = (1 << width) - 1
        word = word & ~(mask << at) | (distance >> low & mask) << at
    return word


def acceptable(insn, base, word):
    for field, op, value in insn.constraints:
        got = 0
        for at, width, low in insn.segments[field]:
            got |= (word >> at & ((1 << width) - 1)) << low
        if (op == '!=' and got == value) or (op == '<=' and got > value):
            return False
    if 'rd' in base.args and 'd' in base.syntax:
        if 'rd' in insn.segments:
            at, width, _ = insn.segments['rd'][0]
            rd = (word >> at & ((1 << width) - 1)) + (8 if 'rd' in insn.compact else 0)
        else:
            rd = int(insn.bindings['rd'])
        return rd not in BASES
    return True


def run_guest(command, cpu, cases, verbose, folder):
    blocks, data = [], []
    for i, case in enumerate(cases):
        data.append(case.data(f'block{i}'))
        blocks.append(case.code(f'block{i}'))
    text = GUEST.replace('{verbose}', str(int(verbose))).replace('{cases}', '\n'.join(data))
    source, obj, elf, image = (f'{folder}/guest.{e}' for e in ('s', 'o', 'elf', 'bin'))
    with open(source, 'w', encoding='utf-8') as out:
        out.write(text.replace('{blocks}', '\n'.join(blocks)))
    subprocess.run([PREFIX + 'as', '-march=rv64imafd' + ('' if 'c=off' in cpu else 'c') + '_zicsr', '-mno-relax', '-o', obj, source], check=True)
    subprocess.run([PREFIX + 'ld', '-Ttext=0x80000000', '-N', '--no-warn-rwx-segments', '-o', elf, obj], check=True)
    subprocess.run([PREFIX + 'objcopy', '-O', 'binary', elf, image], check=True)
    done = subprocess.run(command + ['-bios', image, '-cpu', cpu], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          stdin=subprocess.DEVNULL, timeout=300, check=False)
    return done.stdout.decode('latin-1').split()


def reduce_case(case, commands, folder):
    """The shortest prefix of the block that differs, and both states after it."""
    whole = case.block
    for length in range(1, len(whole) + 1):
        case.block = whole[:length]
        states = [run_guest(command, cpu, [case], True, folder) for command, cpu in commands]
        if states[0] != states[1]:
            return states
    return None


def show(case, states, disas):
    print('first difference after:')
    for insn, word in case.block:
        print(f'    {word:0{insn.bits // 4}x}  {disas(word)}')
    print(f'    fcsr at the start {case.fcsr:#x}')
    mine, theirs = states
    if len(mine) != len(theirs):
        print(f'    {len(mine)} lines here, {len(theirs)} from QEMU')
    for i, (a, b) in enumerate(zip(mine, theirs)):
        if a != b:
            name = NAMES[i] if i < len(NAMES) else f'memory+{8 * (i - len(NAMES)):#x}'
            before = case.x[i] if 0 < i < 32 else case.f[i - 32] if 32 <= i < 64 else 0
            print(f'    {name}: {a}, QEMU {b} (before: {before:016x})')


def main(argv):
    if not shutil.which(QEMU) or not shutil.which(PREFIX + 'as'):
        print(f'{QEMU} or {PREFIX}as is not installed')
        return 77
    parser = argparse.ArgumentParser()
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--cases', type=int, default=1000)
    parser.add_argument('--only', default='.')
    parser.add_argument('folder')
    parser.add_argument('tables', nargs='+')
    split = argv.index('--')
    options = parser.parse_args(argv[1:split])
    sys.path.insert(0, options.folder)
    sys.dont_write_bytecode = True
    import decodegen  # pylint: disable=import-outside-toplevel
    tables = decodegen.Tables(options.tables)
    for insn in tables.insns.values():
        insn.opcode = insn.match & 0x7f
    for insn in [*tables.insns.values(), *tables.compressed.values()]:
        base = tables.insns[insn.base or insn.name]
        insn.skips = base.opcode == 0x63 or base.name == 'jal'  # branches go over the next instruction
    insns = [i for i in [*tables.insns.values(), *tables.compressed.values()]
             if i.name not in SKIP and re.search(options.only, i.name)
             and all(set(group) & EXTENSIONS for group in i.extensions)]
    random.seed(options.seed)
    commands = [(argv[split + 1:], CPU),
                ([QEMU, '-M', 'virt', '-display', 'none', '-serial', 'stdio', '-monitor', 'none'], QEMU_CPU)]
    cases = [Case(lambda: random_insn(insns, tables)) for _ in range(options.cases)]
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        mine, theirs = [run_guest(command, cpu, cases, False, folder) for command, cpu in commands]
        if len(theirs) != len(cases):
            print(f'QEMU ended after {len(theirs)} of {len(cases)} cases')
            return 1
        for i, case in enumerate(cases):
            if i >= len(mine) or mine[i] != theirs[i]:
                bad += 1
                if bad <= 5:
                    states = reduce_case(case, commands, folder)
                    if states:
                        show(case, states, lambda word: f'{word:x}')
    print(f'{len(insns)} instructions, {len(cases)} blocks, {bad} differ')
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv))
