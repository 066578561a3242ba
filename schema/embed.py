#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A text file as a C array: embed.py IN OUT NAME"""
import sys

source, out, name = sys.argv[1:]
with open(source, "rb") as f:
    data = f.read()
with open(out, "w") as f:
    f.write("/* Made from %s. */\nstatic const char %s[] = {\n" % (source.split("/")[-1], name))
    for i in range(0, len(data), 20):
        f.write("".join("%d," % b for b in data[i:i + 20]) + "\n")
    f.write("0};\n")
