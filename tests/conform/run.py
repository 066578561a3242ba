#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Does rr-emu execute every instruction, CSR and trap as an outside judge does?

    run.py --rr build/cli/rr-emu [--work DIR] [--judge 7|10] [--cpu NAME] [--rounds N] [--count N] [--seed N] [--json FOLDER] [MODE...]

One bare-metal guest (tests/conform/guest) makes random programs from a seed, runs them, and prints a hash of what they
left behind per batch. The same file runs on qemu-system-riscv64 and on both backends here; the lines must be equal.
The judge is QEMU 10 where there is one (a chroot or folder named by $QEMU10, or below .cache/qemu10), else Debian's
7.2, which knows fewer extensions and is asked about instructions only; the rest is compared between the two backends.

--cpu: `rv64` (every extension), `rva22s64`, or `mixed`, which is rv64 with a random half of the extensions, so that the
instructions of the others must be illegal. --rounds: with so many seeds, which are other extensions for `mixed` too.

Exit status: 0 all equal, 1 a difference, 77 nothing could be compared (the reason is the last line).
"""
import argparse
import json
import os
import random
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

MODES = ['insns', 'illegal', 'csr', 'traps', 'paging', 'pmp', 'virtual']
DEFAULT_COUNT = {'insns': 400, 'illegal': 80, 'csr': 2, 'traps': 40, 'paging': 40, 'pmp': 60, 'virtual': 150}
WHAT = {'insns': 'instructions on physical addresses', 'virtual': 'instructions behind page tables', 'illegal': 'any bytes as code',
        'csr': 'CSRs', 'traps': 'traps', 'paging': 'page tables', 'pmp': 'PMP'}

# Extensions by the names of -cpu. What is never named: the base, and what old or new QEMUs have always on.
BASE = ['i', 'm', 'a', 'f', 'd', 'c', 'zicsr', 'zifencei', 's', 'zba', 'zbb', 'zbc', 'zbs']
WIDE = BASE + ['zicond', 'zicbom', 'zicbop', 'zicboz', 'zihintpause', 'zawrs', 'zfa', 'zfhmin', 'zfh', 'zcb', 'zbkb',
               'zbkc', 'zbkx', 'zknd', 'zkne', 'zknh', 'svinval']
OLD = BASE + ['zihintpause', 'zfhmin', 'zfh', 'zbkb', 'zbkc', 'zbkx', 'zknd', 'zkne', 'zknh', 'svinval']
NOT_NAMED = ['i', 'm', 'a', 'f', 'd', 'c', 's', 'zicsr', 'zifencei', 'zihintpause', 'zicbop']
MMU = ['svnapot', 'svpbmt']
CAPITAL = {'zfh': 'Zfh', 'zfhmin': 'Zfhmin'}


class Cpu:
    """A CPU model that both sides have: the words after -cpu, there and here, and what programs are made of."""

    def __init__(self, name, version, seed):
        self.name, self.sstc = name, name != 'rva22s64'
        self.extensions = WIDE if version >= 10 else OLD
        if name == 'rva22s64':
            self.theirs, self.ours = 'rva22s64,pmp=true', 'rva22s64'
            return
        on = self.extensions
        if name == 'mixed':
            on = random.Random(seed).sample(on, len(on) // 2)
            on += ['zfhmin'] if 'zfh' in on and 'zfhmin' not in on else []
        named = [e for e in self.extensions if e not in NOT_NAMED]
        switches = [(e, e in on) for e in named] + [(e, True) for e in MMU]
        self.theirs = ','.join(['rv64', 'h=off'] + [f'{CAPITAL.get(e, e) if version < 10 else e}={"true" if v else "false"}'
                                                   for e, v in switches])
        self.ours = ','.join(['rv64'] + [f'{e}={"on" if v else "off"}' for e, v in switches] +
                             [f'{e}=off' for e in WIDE if e not in self.extensions])


class Judge:
    def __init__(self, words, version):
        self.words, self.version = words, version


def qemu_version(words):
    try:
        text = subprocess.run(words + ['--version'], capture_output=True, text=True, timeout=30).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r'version (\d+)\.', text)
    return int(match.group(1)) if match else None


def find_judge(wanted):
    """QEMU 10 from a chroot or folder unless 7 is wanted, else the one on the PATH. A chroot sees the guest through /tmp."""
    for place in (os.environ.get('QEMU10'), os.path.join(TOP, '.cache', 'qemu10')):
        if not place or not os.path.exists(place) or wanted == 7:
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
PARAMS = ['mode', 'seed', 'first', 'count', 'extensions', 'verbose', 'only', 'limit', 'judge', 'sstc']


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
    """start: its words, and how it calls the ELF file; done: what to do when it has run"""

    def __init__(self, name, start, done=lambda: None):
        self.name, self.start, self.done, self.seconds = name, start, done, 0.0

    def run(self, elf, timeout):
        began = time.time()
        words, mapped = self.start
        inside = mapped(elf)
        try:
            p = subprocess.run(words + ['-kernel', inside], stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout)
        except subprocess.TimeoutExpired as e:
            raise Failure(f'{self.name}: still running after {timeout} s; {(e.stdout or b"")[-300:]!r}') from None
        finally:
            self.done()
        self.seconds += time.time() - began
        text = p.stdout.decode(errors='replace').replace('\r', '')
        if p.returncode:
            raise Failure(f'{self.name}: exit status {p.returncode}: {text[-600:]} {p.stderr.decode(errors="replace")[-600:]}')
        return text.splitlines()


COMMON = ['-M', 'virt', '-m', '128M', '-bios', 'none', '-nographic', '-no-reboot']


def judge_machine(judge, cpu, icount):
    words = judge.words + COMMON + ['-monitor', 'none', '-cpu', cpu.theirs + ',debug=off'] + (['-icount', 'shift=0'] if icount else [])
    if judge.words[0] != 'chroot':
        return Machine(f'qemu {judge.version}', (words, lambda path: path))
    root = judge.words[1]

    def into_root(path):
        inside = os.path.join('/tmp', f'rr-emu-conform-{os.getpid()}.elf')
        shutil.copy(path, root + inside)
        return inside
    return Machine(f'qemu {judge.version}', (words, into_root), lambda: os.path.exists(p := f'{root}/tmp/rr-emu-conform-{os.getpid()}.elf') and os.unlink(p))


def rr_machine(rr, backend, cpu):
    words = [rr, 'run', '--idle', 'skip', '--quiet'] + COMMON + ['-cpu', cpu.ours, '-accel', f'tcg,backend={backend}']
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
        self.args, self.work, self.seed = args, args.work, args.seed
        self.judge = find_judge(args.judge)
        self.version = self.judge.version if self.judge else 10
        self.reseed(args.seed)
        self.elf = build_guest(args.work)
        self.failed, self.insns = 0, 0

    def reseed(self, seed):
        self.seed, self.cpu = seed, Cpu(self.args.cpu, self.version, seed)

    def machines(self, mode):
        made = [rr_machine(self.args.rr, b, self.cpu) for b in self.args.backends.split(',')]
        # The older judge is of privileged spec 1.12, with mistakes of its own in the rest.
        if self.judge and (self.judge.version >= 10 or mode == 'insns'):
            made.insert(0, judge_machine(self.judge, self.cpu, mode == 'illegal'))
        return made

    def params(self, mode, **more):
        return dict(mode=MODES.index(mode), seed=self.seed, extensions=extension_mask(self.cpu.extensions, self.version),
                    judge=min(self.version, 10), sstc=self.cpu.sstc, **more)

    def lines(self, machine, **values):
        elf = patched(self.elf, os.path.join(self.work, 'run.elf'), **values)
        return machine.run(elf, self.args.timeout)

    def compare(self, mode):
        """All machines against the first: the numbers of it."""
        count = self.args.count or DEFAULT_COUNT[mode]
        machines, failed_before = self.machines(mode), self.failed
        by, insns, differ = machines[0], 0, 0
        reference = comparable(self.lines(by, **self.params(mode, first=self.args.first, count=count)))
        for m in machines[1:]:
            lines = self.lines(m, **self.params(mode, first=self.args.first, count=count))
            got, insns = comparable(lines), retired(lines)
            self.insns += insns
            for line in broken(lines)[:10]:
                print(f'  {m.name}: {line}')
            differences = all_differences(reference, got)
            same = first_difference(reference, got) is None
            differ += len(differences)
            self.failed += bool(broken(lines)) + (not same)
            print(f'{mode}: {count} batches, {insns} instructions, {m.name} {m.seconds:.1f} s, {by.name} {by.seconds:.1f} s: '
                  f'{"equal" if same else "DIFFERENT"}', flush=True)
            if not same:
                self.show(mode, by, m, reference, got, differences)
        return {'cases': len(reference), 'instructions': insns, 'machines': ' = '.join(m.name for m in machines),
                'failed': self.failed - failed_before}

    def show(self, mode, by, m, reference, got, differences):
        at = first_difference(reference, got)
        print(f'  {by.name}: {reference[at:at + 1]}\n  {m.name}: {got[at:at + 1]}')
        print(f'  {len(differences)} lines differ: {", ".join(str(i + self.args.first) for i in differences[:40])}')
        print(f'  localise: tests/conform/localise.py --rr {self.args.rr} --cpu {self.args.cpu} --judge {self.args.judge} {mode} '
              f'--seed {self.seed} --batch N')

    def report(self, mode, numbers):
        """For docs/conformance.py."""
        os.makedirs(self.args.json, exist_ok=True)
        name = f'{mode} on {self.args.cpu} by {self.judge.version if self.judge else "itself"}'
        with open(os.path.join(self.args.json, 'conform ' + name + '.json'), 'w', encoding='utf-8') as f:
            json.dump({'suite': f'{WHAT[mode]}, -cpu {self.args.cpu}', **numbers}, f)


def parse_args():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('modes', nargs='*', metavar='MODE', help=', '.join(MODES))
    p.add_argument('--rr', required=True)
    p.add_argument('--work', default=os.path.join(TOP, 'build', 'conform'))
    p.add_argument('--judge', type=int, choices=(7, 10), default=10, help='7: not the newer one, even where it is to be had')
    p.add_argument('--cpu', choices=('rv64', 'rva22s64', 'mixed'), default='rv64')
    p.add_argument('--backends', default='x86_64,interp')
    p.add_argument('--count', type=int, default=0)
    p.add_argument('--first', type=int, default=0)
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--rounds', type=int, default=1)
    p.add_argument('--json', metavar='FOLDER', help='leave the numbers there, a file each mode')
    p.add_argument('--timeout', type=int, default=600)
    return p.parse_args()


def main():
    args = parse_args()
    suite = Suite(args)
    if not suite.elf:
        print('skipped: no riscv64-unknown-elf-gcc (Debian package gcc-riscv64-unknown-elf)')
        sys.exit(77)
    if args.cpu == 'rva22s64' and (not suite.judge or suite.judge.version < 10):
        print('skipped: no QEMU 10, which knows this CPU')
        sys.exit(77)
    if not suite.judge:
        print('no qemu-system-riscv64 (Debian package qemu-system-misc): the backends are compared with each other only')
    totals = {}
    for seed in range(args.seed, args.seed + args.rounds):
        suite.reseed(seed)
        for mode in args.modes or MODES:
            try:
                numbers = suite.compare(mode)
            except Failure as failure:
                suite.failed += 1
                numbers = {'failed': 1}
                print(f'{mode}: {failure}')
            known = totals.setdefault(mode, {})
            known.update({k: known.get(k, 0) + v if isinstance(v, int) else v for k, v in numbers.items()})
    for mode, numbers in totals.items() if args.json else ():
        suite.report(mode, numbers)
    print(f'{suite.insns} instructions, {suite.failed} differences')
    sys.exit(1 if suite.failed else 0)


if __name__ == '__main__':
    main()
