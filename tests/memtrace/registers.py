#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What changed in QEMU's registers, out of its log of them before each instruction (-singlestep -d cpu,fpu,nochain).

usage: registers.py REGISTER… <LOG      prints "REGISTER VALUE" per change, from the first instruction at 0x80000000 on
"""
import re, sys

wanted, known, now, started = sys.argv[1:], {}, {}, False


def step():
    global started
    if not now:
        return
    if started:
        for name in wanted:
            if known[name] != now[name]:
                print(name, "%x" % now[name])
    started = started or now["pc"] >= 0x80000000
    known.update(now)
    now.clear()


for line in sys.stdin:
    words = line.split()
    if words[:1] == ["pc"]:
        step()
    for name, value in re.findall(r"(?:^|\s)(?:[xf]\d+/)?([a-z][a-z0-9]*)\s+([0-9a-f]{16})", line):
        now["s0" if name == "fp" else name] = int(value, 16)
step()
