#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Does rr-emu execute every instruction, CSR and trap as an outside judge does?

    run.py --rr build/cli/rr-emu --work DIR [MODE...] [--count N] [--seed N]

One bare-metal guest (tests/conform/guest) makes random programs from a seed, runs them, and prints a hash of what they
left behind per batch. The same file runs on qemu-system-riscv64 and on both backends here; the lines must be equal.
The judge is QEMU 10 where there is one (a chroot or folder named by $QEMU10, or below .cache/qemu10), else Debian's
7.2, which knows fewer extensions: what it lacks is compared between the two backends only.

Exit status: 0 all equal, 1 a difference, 77 nothing could be compared (the reason is the last line).
"""
import argparse
import os
import re
import shutil
import struct
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.abspath(os.path.join(HERE, '..', '..'))
sys.path.insert(0, HERE)
import csrtable  # noqa: E402
import insntable  # noqa: E402

MODES = ['insns', 'illegal', 'csr', 'traps', 'paging', 'pmp']
DEFAULT_COUNT = {'insns': 400, 'illegal': 80, 'csr': 2, 'traps': 40, 'paging': 40, 'pmp': 60}

# What the machine of a comparison has: (-cpu name for QEMU, extension in the decode tables).
BASE = ['i', 'm', 'a', 'f', 'd', 'c', 'zicsr', 'zifencei', 's', 'zba', 'zbb', 'zbc', 'zbs']
WIDE = BASE + ['zicond', 'zicbom', 'zicbop', 'zicboz', 'zihintpause', 'zawrs', 'zfa', 'zfhmin', 'zfh', 'zcb', 'zbkb',
               'zbkc', 'zbkx', 'zknd', 'zkne', 'zknh', 'svinval']
OLD = BASE + ['zihintpause', 'zfhmin', 'zfh', 'zbkb', 'zbkc', 'zbkx', 'zknd', 'zkne', 'zknh', 'svinval']
NOT_NAMED = ['i', 'm', 'a', 'f', 'd', 'c', 's', 'zicsr', 'zifencei', 'zihintpause', 'zicbop']
MMU = ['svnapot', 'svpbmt']
CAPITAL = {'zfh': 'Zfh', 'zfhmin': 'Zfhmin'}


class Judge:
    def __init__(self, words, version):
        self.words, self.version = words, version

    @property
    def extensions(self):
        return WIDE if self.version >= 10 else OLD

    def cpu(self):
        """The judge's -cpu words: what rr-emu's default rv64 has and no more."""
        names = [e for e in self.extensions if e not in NOT_NAMED] + MMU
        if self.version < 10:
            names = [CAPITAL.get(e, e) for e in names]
        return 'rv64,h=off,debug=off,' + ','.join(f'{n}=true' for n in names)


def qemu_version(words):
    try:
        text = subprocess.run(words + ['--version'], capture_output=True, text=True, timeout=30).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r'version (\d+)\.', text)
    return int(match.group(1)) if match else None


def find_judge():
    """QEMU 10 from a chroot or folder, else the one on the PATH. A chroot sees the guest through /dev/stdin."""
    for place in (os.environ.get('QEMU10'), os.path.join(TOP, '.cache', 'qemu10')):
        if not place or not os.path.exists(place):
            continue
        if os.path.isfile(place):
            candidates = [[place]]
        else:
            candidates = [[os.path.join(place, 'qemu-system-riscv64')], ['chroot', place, 'qemu-system-riscv64']]
        for words in candidates:
            version = qemu_version(words)
            if version and version >= 10:
                return Judge(words, version)
    version = qemu_version(['qemu-system-riscv64'])
    return Judge(['qemu-system-riscv64'], version) if version else None


# ---- the guest ---------------------------------------------------------------------------------------------------

MAGIC = b'rr-emu conform'
PARAMS = ['mode', 'seed', 'first', 'count', 'extensions', 'verbose', 'only', 'limit', 'judge']


def build_guest(work):
    """The guest's ELF file, or None without a cross compiler."""
    cc = os.environ.get('RISCV_CC', 'riscv64-unknown-elf-gcc')
    if not shutil.which(cc):
        return None
    guest, elf = os.path.join(HERE, 'guest'), os.path.join(work, 'conform.elf')
    os.makedirs(work, exist_ok=True)
    insntable.main(['insntable.py', os.path.join(work, 'insns.h')])
    csrtable.header(os.path.join(work, 'csrs.h'))
    sources = sorted(os.path.join(guest, n) for n in os.listdir(guest) if n.endswith(('.c', '.S')))
    subprocess.run([cc, '-march=rv64imac_zicsr_zifencei', '-mabi=lp64', '-mcmodel=medany', '-nostdlib', '-static',
                    '-ffreestanding', '-fno-builtin', '-O2', '-g', '-Wall', '-Wextra', '-Wl,--no-warn-rwx-segments',
                    '-Wl,--build-id=none', '-I', guest, '-I', work, '-T', os.path.join(guest, 'link.ld'), '-o', elf,
                    *sources, '-lgcc'], check=True)
    return elf


def patched(elf, out, **values):
    with open(elf, 'rb') as f:
        image = bytearray(f.read())
    at = image.index(MAGIC.ljust(16, b'\0'))
    for i, name in enumerate(PARAMS):
        if name in values:
            struct.pack_into('<Q', image, at + 16 + 8 * i, values[name] & (1 << 64) - 1)
    with open(out, 'wb') as f:
        f.write(image)
    return out


def extension_mask(names, version):
    """
    Without Svinval: QEMU lets U mode execute its fences; mode `traps` has these instructions. Without atomics for QEMU 7,
    whose AMOs fault as loads do and whose SC may be misaligned.
    """
    names = [n for n in names if n != 'svinval' and (n != 'a' or version >= 10)]
    names += ['qemu10'] if version >= 10 else []
    bits = insntable.extensions(insntable.everything(insntable.tables()))
    return sum(1 << i for i, e in enumerate(bits) if e in names)


# ---- machines ----------------------------------------------------------------------------------------------------

class Failure(Exception):
    pass


class Machine:
    def __init__(self, name, start, elf_name=None):
        self.name, self.start, self.seconds, self.steps = name, start, 0.0, 0

    def run(self, elf, timeout):
        began = time.time()
        words, mapped = self.start
        inside = mapped(elf)
        try:
            p = subprocess.run(words + ['-kernel', inside], stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout)
        except subprocess.TimeoutExpired as e:
            raise Failure(f'{self.name}: still running after {timeout} s; {(e.stdout or b"")[-300:]!r}') from None
        self.seconds += time.time() - began
        text = p.stdout.decode(errors='replace').replace('\r', '')
        if p.returncode:
            raise Failure(f'{self.name}: exit status {p.returncode}: {text[-600:]} {p.stderr.decode(errors="replace")[-600:]}')
        return text.splitlines()


COMMON = ['-M', 'virt', '-m', '128M', '-bios', 'none', '-nographic', '-no-reboot']


def judge_machine(judge, icount):
    words = judge.words + COMMON + ['-monitor', 'none', '-cpu', judge.cpu()] + (['-icount', 'shift=0'] if icount else [])
    if judge.words[0] != 'chroot':
        return Machine(f'qemu {judge.version}', (words, lambda path: path))
    root = judge.words[1]

    def into_root(path):
        inside = os.path.join('/tmp', f'rr-emu-conform-{os.getpid()}.elf')
        shutil.copy(path, root + inside)
        return inside
    return Machine(f'qemu {judge.version}', (words, into_root))


def rr_machine(rr, backend, extensions):
    on = [e for e in extensions if e not in NOT_NAMED] + MMU
    off = [e for e in WIDE if e not in extensions]
    cpu = 'rv64' + ''.join(f',{e}=on' for e in on) + ''.join(f',{e}=off' for e in off)
    words = [rr, 'run', '--idle', 'skip', '--quiet'] + COMMON + ['-cpu', cpu, '-accel', f'tcg,backend={backend}']
    return Machine(f'rr {backend}', (words, lambda path: path))


# ---- comparison --------------------------------------------------------------------------------------------------

def comparable(lines):
    return [line for line in lines if not line.startswith(('retired ', 'broken '))]


def broken(lines):
    """What the guest itself found to be against the specification; a judge's own are its own affair."""
    return [line for line in lines if line.startswith('broken ')]


def retired(lines):
    return sum(int(line.split()[1]) for line in lines if line.startswith('retired '))


def all_differences(a, b):
    return [i for i, (x, y) in enumerate(zip(a, b)) if x != y]


def first_difference(a, b):
    for i, (x, y) in enumerate(zip(a, b)):
        if x != y:
            return i
    return min(len(a), len(b)) if len(a) != len(b) else None


class Suite:
    def __init__(self, args):
        self.args, self.work = args, args.work
        self.judge = find_judge()
        self.elf = build_guest(args.work)
        self.extensions = self.judge.extensions if self.judge else WIDE
        self.failed, self.insns, self.rows = 0, 0, []

    def machines(self, mode):
        made = [rr_machine(self.args.rr, b, self.extensions) for b in self.args.backends.split(',')]
        # The older judge is of privileged spec 1.12, with mistakes of its own in the rest.
        if self.judge and (self.judge.version >= 10 or mode == 'insns'):
            made.insert(0, judge_machine(self.judge, mode == 'illegal'))
        return made

    def params(self, mode, **more):
        version = self.judge.version if self.judge else 10
        return dict(mode=MODES.index(mode), seed=self.args.seed, extensions=extension_mask(self.extensions, version),
                    judge=10 if version >= 10 else version, **more)

    def lines(self, machine, **values):
        elf = patched(self.elf, os.path.join(self.work, 'run.elf'), **values)
        return machine.run(elf, self.args.timeout)

    def compare(self, mode):
        count = self.args.count or DEFAULT_COUNT[mode]
        machines, reference = self.machines(mode), None
        for m in machines:
            lines = self.lines(m, **self.params(mode, first=self.args.first, count=count))
            if reference is None:
                reference, by = comparable(lines), m
                continue
            self.insns += retired(lines)
            for line in broken(lines)[:10]:
                print(f'  {m.name}: {line}')
            self.failed += bool(broken(lines))
            at = first_difference(reference, comparable(lines))
            print(f'{mode}: {count} batches, {retired(lines)} instructions, {m.name} '
                  f'{m.seconds:.1f} s, {by.name} {by.seconds:.1f} s: {"equal" if at is None else "DIFFERENT"}', flush=True)
            self.rows.append(f'| {mode} | {count} | {retired(lines)} | {m.name} | {by.name} | '
                             f'{len(all_differences(reference, comparable(lines)))} |')
            if at is not None:
                self.failed += 1
                got, batches = comparable(lines), all_differences(reference, comparable(lines))
                print(f'  {by.name}: {reference[at:at + 1]}\n  {m.name}: {got[at:at + 1]}')
                print(f'  {len(batches)} lines differ: {", ".join(str(b + self.args.first) for b in batches[:40])}')
                print(f'  localise: tests/conform/localise.py --rr {self.args.rr} {mode} --seed {self.args.seed} --batch N')


DOC_MARKS = ('<!-- made by tests/conform/run.py --doc -->\n', '<!-- end -->\n')


def write_doc(path, suite):
    """Put the numbers of this run, and the CSR table, between the marks of docs/conformance.md."""
    with open(path, encoding='utf-8') as f:
        text = f.read()
    commit = subprocess.run(['git', '-C', TOP, 'describe', '--always', '--dirty'], capture_output=True, text=True).stdout.strip()
    lines = [f'At commit {commit}, seed {suite.args.seed}:', '',
             '| mode | batches | instructions of programs | run on | compared with | lines that differ |', '|---|---|---|---|---|---|']
    lines += suite.rows + ['', 'CSRs that are compared in part or not at all:', '', '| CSRs | compared | why |', '|---|---|---|']
    for first, last, bits, why in csrtable.DIFFERENCES:
        number = f'{first:#x}' + (f' to {last:#x}' if last != first else '')
        compared = 'no' if bits is None else 'legality' if bits == 0 else f'bits {bits & (1 << 64) - 1:#x}'
        lines.append(f'| {number} | {compared} | {why} |')
    before, rest = text.split(DOC_MARKS[0])
    after = rest.split(DOC_MARKS[1])[1]
    with open(path, 'w', encoding='utf-8') as f:
        f.write(before + DOC_MARKS[0] + '\n'.join(lines) + '\n' + DOC_MARKS[1] + after)


def parse_args():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('modes', nargs='*', metavar='MODE', help=', '.join(MODES))
    p.add_argument('--rr', required=True)
    p.add_argument('--work', default=os.path.join(TOP, 'build', 'conform'))
    p.add_argument('--backends', default='x86_64,interp')
    p.add_argument('--count', type=int, default=0)
    p.add_argument('--first', type=int, default=0)
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--doc', metavar='FILE', help='write the numbers into docs/conformance.md')
    p.add_argument('--timeout', type=int, default=600)
    return p.parse_args()


def main():
    args = parse_args()
    suite = Suite(args)
    if not suite.elf:
        print('skipped: no riscv64-unknown-elf-gcc (Debian package gcc-riscv64-unknown-elf)')
        sys.exit(77)
    if not suite.judge:
        print('no qemu-system-riscv64 (Debian package qemu-system-misc): the backends are compared with each other only')
    for mode in args.modes or MODES:
        try:
            suite.compare(mode)
        except Failure as failure:
            suite.failed += 1
            print(f'{mode}: {failure}')
    if args.doc:
        write_doc(args.doc, suite)
    print(f'{suite.insns} instructions, {suite.failed} differences')
    sys.exit(1 if suite.failed else 0)


if __name__ == '__main__':
    main()
