#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Corpus seeds for the fuzzers: seeds.py CORPUS-FOLDER GUESTS-FOLDER RR-EMU"""
import glob
import os
import random
import re
import struct
import subprocess
import sys


def put(folder, target, name, data):
    os.makedirs(os.path.join(folder, target), exist_ok=True)
    with open(os.path.join(folder, target, name), 'wb') as f:
        f.write(data)


def elf_text(data):
    """The program's bytes, by the first loadable segment."""
    at, = struct.unpack_from('<Q', data, 32)
    offset, = struct.unpack_from('<Q', data, at + 8)
    size, = struct.unpack_from('<Q', data, at + 32)
    return data[offset:offset + size]


def device_tree():
    """An empty tree: header, no reservations, one node."""
    body = struct.pack('>IIII', 1, 0, 2, 9)
    return struct.pack('>10I', 0xd00dfeed, 56 + len(body), 56, 56 + len(body), 40, 17, 16, 0, 0, len(body)) + bytes(16) + body


def image_header():
    return struct.pack('<IIQQQIIQQ4sI', 0x0000006f, 0, 0x200000, 0x10000, 0, 2, 0, 0, 0, b'RSC\x05', 0) + bytes(256)


def main():
    corpus, guests, rr = sys.argv[1:]
    chance = random.Random(1)
    for path in sorted(glob.glob(os.path.join(guests, '*.elf'))):
        data = open(path, 'rb').read()
        name = os.path.basename(path)
        put(corpus, 'loader', name, bytes([1]) + data[:0x3000])
        for i in range(4):
            text = elf_text(data)
            at = chance.randrange(0, max(1, len(text) - 512)) & ~1
            put(corpus, 'insns', f'{name}.{i}', chance.randbytes(12) + text[at:at + 512])
    put(corpus, 'loader', 'image', bytes([1]) + image_header())
    put(corpus, 'loader', 'dtb', bytes([3]) + device_tree())
    put(corpus, 'loader', 'bios', bytes([0]) + b'\x6f\0\0\0')
    for i in range(16):
        steps = b''.join(bytes([chance.choice((0, 2, 0x22, 4, 0x24, 0x34)), chance.randrange(32), chance.randrange(64) * 4 % 256, 0])
                         + struct.pack('<I', chance.choice((1, 3, 15, 0x5555, chance.randrange(1 << 32)))) for _ in range(40))
        put(corpus, 'devices', str(i), steps)
        queue = b''.join(struct.pack('<QIHH', 0x80102000 + 64 * k, 16 if k == 0 else 512, 1 | 2 * (k > 0), k + 1) for k in range(8))
        ring = struct.pack('<HH8H', 0, 3, 0, 0, 0, 0, 0, 0, 0, 0)
        request = struct.pack('<IIQ', i % 2, 0, i)
        put(corpus, 'virtqueue', str(i), bytes([i & 7, 0, 0, 0, 1, 7]) + (queue + ring).ljust(0x2000, b'\0') + request + bytes(512))
    text = subprocess.run([rr, 'help', 'record'], capture_output=True, text=True).stdout
    words = sorted(set(re.findall(r'--?[a-z][a-z-]+|[a-z]+-[a-z-]+|[a-z]+=[a-z]+', text)))
    lines = ['-M\nvirt\n-cpu\nrv64,zbb=off,sv57=on\n-m\n512M\n-smp\n2\n-nographic', '-icount\nshift=3\n-bios\nnone\n-seed\n7',
             '-drive\nfile=none.img,if=none,id=d0,format=raw\n-device\nvirtio-blk-device,drive=d0', '--until\nx\n--max-insns\n5M\n-M\nvirt',
             '-device\nloader,file=none,addr=0x80000000\n-append\nquiet', '-chardev\nnull,id=c\n-serial\nchardev:c']
    for i, line in enumerate(lines + words):
        put(corpus, 'args', f'{i}', bytes([i % 2]) + line.encode())
    with open(os.path.join(corpus, 'args.dict'), 'w') as f:
        f.writelines(f'"{word}"\n' for word in words)
    put(corpus, 'chunk', 'empty', bytes(200))
    put(corpus, 'rec', 'events', b'\x03\x05\0\x10\0\0\x01\0')


main()
