#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Build the guest programs: build.sh OUTDIR [NAME...]. Exit status 77, with the reason, when there is no cross compiler.
# With QEMU7=1 in the environment the programs expect what QEMU 7.2 does where it departs from the specification:
# to check the programs themselves on qemu-system-riscv64.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?usage: build.sh OUTDIR [NAME...]}
shift
cc=${RISCV_CC:-riscv64-unknown-elf-gcc}
if ! command -v "$cc" >/dev/null 2>&1; then
    echo "build.sh: skipped: no $cc (Debian package gcc-riscv64-unknown-elf)" >&2
    exit 77
fi

# Programs that are built from another one's source with a macro.
variant() {
    case $1 in
    bench-small) echo "bench ROUNDS=100" ;;
    polling-small) echo "polling ROUNDS=2000" ;;
    paging-nosfence) echo "paging NO_SFENCE=1" ;;
    *) echo "$1" ;;
    esac
}

flags="-march=rv64imafdc_zicsr_zifencei -mabi=lp64d -mcmodel=medany -nostdlib -static -ffreestanding -fno-builtin
    -fno-pic -O2 -g -Wall -Wextra -Wno-unused-parameter -Wl,--no-warn-rwx-segments -Wl,--build-id=none -I$here
    -ffile-prefix-map=$here/= -DQEMU7=${QEMU7:-0}"

build() {
    name=$1
    # shellcheck disable=SC2046
    set -- $(variant "$name")
    elf=$out/$name.elf
    source=$here/$1.c
    [ -f "$source" ] || source=$here/$1.S
    [ -f "$source" ] || { echo "build.sh: no program $1" >&2; exit 1; }
    if [ -f "$elf" ] && [ -z "$(find "$source" "$here"/rt "$here"/*.h "$here"/build.sh -newer "$elf")" ]; then
        return
    fi
    runtime="$here/rt/start.S $here/rt/rt.c"
    if grep -q '^# runtime: none' "$source"; then runtime=; fi
    # shellcheck disable=SC2086
    "$cc" $flags ${2:+-D$2} -T "$here/rt/link.ld" -o "$elf.tmp" $runtime "$source" -lgcc
    mv "$elf.tmp" "$elf"
}

mkdir -p "$out"
# shellcheck disable=SC2012,SC2046
[ $# -gt 0 ] || set -- bench-small polling-small paging-nosfence $(cd "$here" && ls ./*.c ./*.S | sed 's|^\./||; s/\.[cS]$//')
for name; do
    build "$name"
done
