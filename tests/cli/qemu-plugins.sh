# SPDX-License-Identifier: GPL-2.0-or-later
# QEMU's own plugins, unmodified, against QEMU 10: a case each.
python3 "$TOP/tests/plugins/qemu.py" "$RR" "$GUESTS" "$PWD"
