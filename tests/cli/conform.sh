# SPDX-License-Identifier: GPL-2.0-or-later
# Random programs and machine states on rr-emu's backends and on qemu-system-riscv64: tests/conform/run.py.
exec python3 "$TOP/tests/conform/run.py" --rr "$RR" --work "$SCRATCH/conform"
