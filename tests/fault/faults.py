#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every host call of recording, replaying and database writing fails once, by turns.

    faults.py --rr RR-EMU --shim SHIM.so --guest ELF --work FOLDER [--each N] [--json FILE]

--each N: at most so many of each kind of call, evenly spread (0: all of them).

Allowed are: success, because the call did not matter or was repeated; a clean failure, with one line that says why; and,
for allocations only, the abort of the library that could not go on. In each case the recording replays up to its last
frame or is refused with a reason, and the database says complete only of what is.
"""
import argparse
import errno
import os
import signal
import sys

import faulty
from faulty import Wrong

ABORTS = (-signal.SIGABRT, -signal.SIGTRAP)
FAULTS = [  # call, what happens, once or from then on
    ('write', errno.ENOSPC, True), ('write', errno.EIO, False), ('write', errno.EINTR, False), ('write', 'short', False),
    ('read', errno.EIO, False), ('read', errno.EINTR, False), ('read', 'short', False),
    ('open', errno.EMFILE, False), ('open', errno.EACCES, False), ('open', errno.EINTR, False),
    ('fsync', errno.EIO, False), ('ftruncate', errno.EIO, False), ('fstat', errno.EIO, False), ('lseek', errno.EIO, False),
    ('close', errno.EIO, False), ('rename', errno.EIO, False), ('mmap', errno.ENOMEM, False),
    ('getrandom', errno.EAGAIN, False), ('malloc', errno.ENOMEM, False), ('poll', errno.EINTR, False), ('poll', errno.ENOMEM, False),
    ('unlink', errno.EIO, False), ('access', errno.EACCES, False), ('fopen', errno.EMFILE, False),
    ('madvise', errno.EAGAIN, False), ('mremap', errno.ENOMEM, False), ('pthread_create', errno.EAGAIN, False),
    ('pthread_create', errno.EAGAIN, True), ('memfd_create', errno.EMFILE, False), ('fchmod', errno.EPERM, False),
    ('mkdir', errno.ENOSPC, False), ('readlink', errno.EIO, False), ('getcwd', errno.ENOENT, False),
]


class Scene:
    """One command, what it may exit with, and what is checked afterwards."""

    def __init__(self, name, words, fails, before, after):
        self.name, self.words, self.fails, self.before, self.after = name, words, fails, before, after


def spread(total, most):
    if not most or total <= most:
        return range(1, total + 1)
    return sorted({1 + i * (total - 1) // (most - 1) for i in range(most)})


def judge(scene, call, good, status, err):
    if status == good:
        return 'survived'
    if scene.name == 'record' and call == 'read' and status == 1:
        return 'survived'  # of the disk image: an event, which the guest hears of, and this one gives up
    if status == scene.fails:
        if len(faulty.complaint(err)) < 1 or 'CRITICAL' in err or 'GLib' in err:
            raise Wrong(f'exit status {status} with {err!r}')
        return 'refused'
    if call == 'malloc' and status in ABORTS:
        return 'aborted'
    raise Wrong(f'exit status {status} (good {good}): {err.strip()}')


def run_scene(tools, scene, args, totals, wrongs):
    scene.before()
    good, out, err = tools.run(*scene.words)
    scene.after()
    for call, what, sticky in FAULTS:
        env = {'LD_PRELOAD': args.shim, 'FAULT_CALL': call, 'FAULT_COUNT': tools.path('count'), 'FAULT_AS': str(what)}
        scene.before()
        tools.unlink('count')
        tools.run(*scene.words, env=env)
        total = int(open(tools.path('count')).read())
        if sticky:
            env['FAULT_STICKY'] = '1'
        del env['FAULT_COUNT']
        for at in spread(total, args.each) if total else ():
            scene.before()
            label = f'{scene.name}: {call} {at} of {total}, {errno.errorcode.get(what, what)}{" from then on" if sticky else ""}'
            try:
                status, out, err = tools.run(*scene.words, env={**env, 'FAULT_AT': str(at)})
                verdict = judge(scene, call, good, status, err)
                scene.after()
            except Wrong as e:
                wrongs.append(f'{label}: {e}')
                verdict = 'wrong'
            totals[verdict] = totals.get(verdict, 0) + 1


def scenes(tools, machine):
    tools.unlink('good.rrec', 'good.db')
    tools.run('record', '-o', 'good.rrec', '--checkpoint', '100k', '--max-insns', '440k', *machine)
    if not faulty.check_recording(tools, 'good.rrec'):
        sys.exit('faults.py: the guest cannot be recorded')
    replay = ['replay', 'good.rrec', '--analysis', 'memtrace', '--analysis', 'trap']
    tools.run(*replay, '--db', 'good.db')
    rows = faulty.database_rows(tools, 'good.db')

    def check(name):
        return lambda: faulty.check_recording(tools, name)

    def again():
        """What a failure left does not stand in the way of the next run."""
        faulty.check_database(tools, 'f.db', rows)
        if not os.path.exists(tools.path('f.db')):
            return
        status, out, err = tools.run(*replay, '--db', 'f.db')
        if status != 0:
            raise Wrong(f'the next replay into the same database: exit status {status}: {err.strip()}')
        if faulty.check_database(tools, 'f.db', rows) != len(rows):
            raise Wrong('the next replay into the same database is not complete')

    return [
        Scene('record', ['record', '-o', 'f.rrec', '--checkpoint', '100k', '--max-insns', '440k', *machine], 125,
              lambda: tools.unlink('f.rrec'), check('f.rrec')),
        Scene('replay', [*replay, '--db', 'f.db'], 2, lambda: tools.unlink('f.db'), again),
        Scene('verify', ['verify', 'good.rrec'], 2, lambda: None, check('good.rrec')),
        Scene('sql', ['sql', 'good.db', 'SELECT count(*) FROM memtrace WHERE op = \'store\'', '--format', 'csv'], 2,
              lambda: None, lambda: faulty.check_database(tools, 'good.db', rows)),
    ]


def main():
    p = argparse.ArgumentParser()
    for name in ('rr', 'shim', 'guest', 'work'):
        p.add_argument('--' + name, required=True)
    p.add_argument('--each', type=int, default=8)
    p.add_argument('--json')
    args = p.parse_args()
    tools = faulty.Tools(args.rr, args.work)
    with open(tools.path('disk.img'), 'wb') as f:
        f.truncate(4 << 20)
    machine = ['-M', 'virt', '-nographic', '-m', '4M', '-bios', 'none', '-kernel', args.guest, '-drive',
               'file=disk.img,if=none,id=d0,format=raw', '-device', 'virtio-blk-device,drive=d0',
               '-global', 'virtio-mmio.force-legacy=false']
    totals, wrongs = {}, []
    for scene in scenes(tools, machine):
        run_scene(tools, scene, args, totals, wrongs)
    for wrong in wrongs:
        print(wrong)
    n = sum(totals.values())
    print(f'{n} faults: ' + ', '.join(f'{v} {k}' for k, v in sorted(totals.items())))
    faulty.report(args.json, suite='host faults', faults=n, failed=len(wrongs), **totals)
    sys.exit(1 if wrongs else 0)


main()
