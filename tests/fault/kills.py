#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""kill -9 of rr-emu at random moments of recording, and of replaying into a database.

    kills.py --rr RR-EMU --guest ELF --work FOLDER [--kills N] [--seed S] [--json FILE]

After each: what is left replays or is refused with a reason, the database says complete only of what is, and the next
replay into it completes.
"""
import argparse
import random
import sys

import faulty
from faulty import Wrong


def main():
    p = argparse.ArgumentParser()
    for name in ('rr', 'guest', 'work'):
        p.add_argument('--' + name, required=True)
    p.add_argument('--kills', type=int, default=60)
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--json')
    args = p.parse_args()
    tools = faulty.Tools(args.rr, args.work)
    chance = random.Random(args.seed)
    machine = ['-M', 'virt', '-nographic', '-m', '4M', '-bios', 'none', '-kernel', args.guest]
    record = ['record', '--force', '--checkpoint', '100k', '--max-insns', '1M', '-o']
    replay = ['replay', 'good.rrec', '--analysis', 'memtrace', '--analysis', 'trap', '--db']
    tools.unlink('good.rrec', 'good.db', 'k.db', 'k.rrec')
    slow = {'record': tools.seconds(*record, 'good.rrec', *machine), 'replay': tools.seconds(*replay, 'good.db')}
    rows = faulty.database_rows(tools, 'good.db')
    totals = {'killed': 0, 'ended first': 0}
    wrongs = []
    for i in range(20 * args.kills):
        if totals['killed'] >= args.kills:
            break
        what = 'record' if i % 4 == 0 else 'replay'
        moment = chance.uniform(0, 1.1 * slow[what])
        words = [*record, 'k.rrec', *machine] if what == 'record' else [*replay, 'k.db']
        totals['killed' if tools.run_and_kill(moment, *words) else 'ended first'] += 1
        try:
            if what == 'record':
                faulty.check_recording(tools, 'k.rrec')
            elif faulty.check_database(tools, 'k.db', rows) is not None and chance.random() < 0.3:
                status, out, err = tools.run(*replay, 'k.db')
                if status != 0 or faulty.check_database(tools, 'k.db', rows) != len(rows):
                    raise Wrong(f'the next replay: exit status {status}: {err.strip()}')
                if chance.random() < 0.5:
                    tools.unlink('k.db')
        except Wrong as e:
            wrongs.append(f'{what} killed after {moment:.3f} s: {e}')
    for wrong in wrongs:
        print(wrong)
    print(', '.join(f'{v} {k}' for k, v in totals.items()))
    faulty.report(args.json, suite='kills of record and replay', kills=totals['killed'], failed=len(wrongs))
    sys.exit(1 if wrongs or totals['killed'] < args.kills else 0)


main()
