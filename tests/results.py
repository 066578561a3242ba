# SPDX-License-Identifier: GPL-2.0-or-later
"""The numbers that tests leave in BUILD/conformance/*.json for docs/conformance.py: which commit they belong to."""
import glob
import json
import os
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def commit():
    git = subprocess.run(['git', '-C', TOP, 'describe', '--always', '--dirty', '--abbrev=12', '--exclude=*'], capture_output=True, text=True)
    return git.stdout.strip() or 'unknown'


def load(build):
    """All results, in the order of their names."""
    results = []
    for path in sorted(glob.glob(os.path.join(build, 'conformance', '*.json'))):
        with open(path, encoding='utf-8') as f:
            results.append((path, json.load(f)))
    return results


def write(build, name, **numbers):
    os.makedirs(os.path.join(build, 'conformance'), exist_ok=True)
    with open(os.path.join(build, 'conformance', name + '.json'), 'w', encoding='utf-8') as f:
        json.dump({**numbers, 'commit': commit()}, f)


def stamp(build):
    """Tests write their file anew each time they run, without a commit: it is this one."""
    for path, result in load(build):
        if 'commit' in result:
            continue
        with open(path, 'w', encoding='utf-8') as f:
            json.dump({**result, 'commit': commit()}, f)
