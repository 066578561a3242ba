#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The differences between CSRs here and QEMU's that are meant: what mode `csr` does not compare, and why.

    (first, last, bits of the value that are compared, reason)      bits None: whether it exists is not compared either

docs/conformance.md lists the reasons. Sections are the privileged specification's.
"""

DIFFERENCES = [
    (0x100, 0x100, ~(3 << 32), 'sstatus.UXL is fixed at 64 here (12.1.1.1, WARL); QEMU stores other widths'),
    (0x300, 0x300, ~(15 << 32), 'mstatus.SXL and UXL are fixed at 64 here (3.1.6.3, WARL); QEMU stores other widths'),
    (0x141, 0x141, ~1, 'bit 0 of sepc is always zero (12.1.7); QEMU stores it'),
    (0x341, 0x341, ~1, 'bit 0 of mepc is always zero (3.1.14); QEMU stores it'),
    (0x302, 0x302, 0xb3ff, 'medeleg has no bits for exceptions of extensions that do not exist here (3.1.8, WARL)'),
    (0x303, 0x303, 0x222, 'mideleg has no bits of the hypervisor and of local interrupts (3.1.8, WARL)'),
    (0x304, 0x304, 0xaaa, 'mie has no bits of the hypervisor and of local interrupts (3.1.9, WARL)'),
    (0x344, 0x344, 0xaaa, 'mip has no bits of the hypervisor and of local interrupts (3.1.9, WARL)'),
    (0x30a, 0x30a, ~(1 << 60), 'menvcfg.CDE belongs to Smcdeleg, which does not exist here; QEMU stores the bit'),
    (0x323, 0x33f, 0, 'event selectors are read-only zero here (3.1.10)'),
    (0x3a0, 0x3af, 0x9f9f9f9f9f9f9f9f, 'bits 5 and 6 of a PMP configuration are zero (3.7.1); QEMU stores them'),
    (0x3b0, 0x3bf, (1 << 54) - 1, 'a PMP address has 54 bits (3.7.1); QEMU stores 64'),
    (0x7a0, 0x7a4, None, 'the judge runs with debug=off, here a trigger module without triggers remains (Sdtrig)'),
    (0xb00, 0xb02, 0, 'counts'),
    (0xb03, 0xb1f, None, 'all 29 event counters exist and read zero (3.1.10); QEMU has the first 16'),
    (0xc00, 0xc02, 0, 'counts'),
    (0xc03, 0xc1f, None, 'all 29 event counters exist and read zero (Zihpm); QEMU has the first 16'),
]


def header(path):
    rows = [f'    {{{first:#x}, {last:#x}, {"true" if bits is None else "false"}, {(bits or 0) & (1 << 64) - 1:#x}}}, /* {why} */'
            for first, last, bits, why in DIFFERENCES]
    with open(path, 'w', encoding='utf-8') as f:
        f.write('/* SPDX-License-Identifier: GPL-2.0-or-later */\n/* Made by csrtable.py. */\n'
                'static const CsrDifference csr_differences[] = {\n' + '\n'.join(rows) + '\n};\n')
