# SPDX-License-Identifier: GPL-2.0-or-later
"""What the fault and kill tests share: running rr-emu, and what must hold of whatever it left behind."""
import json
import os
import signal
import sqlite3
import subprocess
import time

GUEST_SECONDS = 60


class Wrong(Exception):
    pass


class Tools:
    def __init__(self, rr, work):
        self.rr, self.work = rr, work
        os.makedirs(work, exist_ok=True)

    def path(self, name):
        return os.path.join(self.work, name)

    def run(self, *words, env=None, timeout=GUEST_SECONDS, stdin=b''):
        """(status, stdout, stderr); the status of a killed program is the signal's number, negative."""
        try:
            p = subprocess.run([self.rr, *words], input=stdin, capture_output=True, timeout=timeout,
                               env={**os.environ, **(env or {})}, cwd=self.work)
        except subprocess.TimeoutExpired:
            raise Wrong(f'{" ".join(words)}: still running after {timeout} s')
        return p.returncode, p.stdout.decode(errors='replace'), p.stderr.decode(errors='replace')

    def run_and_kill(self, seconds, *words):
        """True if it was killed, False if it had ended before."""
        p = subprocess.Popen([self.rr, *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, cwd=self.work)
        try:
            p.wait(seconds)
            return False
        except subprocess.TimeoutExpired:
            p.send_signal(signal.SIGKILL)
            p.wait()
            return True

    def unlink(self, *names):
        for name in names:
            for end in ('', '-journal', '-wal', '-shm'):
                try:
                    os.unlink(self.path(name + end))
                except FileNotFoundError:
                    pass

    def seconds(self, *words):
        began = time.monotonic()
        self.run(*words)
        return time.monotonic() - began


def complaint(err):
    return [line for line in err.splitlines() if line.startswith('rr-emu: ')]


def check_recording(tools, name):
    """A recording replays up to its last frame, or is refused with a reason. Returns its length or None."""
    if not os.path.exists(tools.path(name)):
        return None
    status, out, err = tools.run('info', name, '--json')
    if status == 2:
        if len(complaint(err)) != 1:
            raise Wrong(f'info says {err!r}')
        return None
    if status != 0:
        raise Wrong(f'info: exit status {status}: {err.strip()}')
    info = json.loads(out)
    status, out, err = tools.run('verify', name)
    if status != 0 and not (status == 2 and info['end']['pos'] == 0 and 'nothing to replay' in err):
        raise Wrong(f'verify: exit status {status}: {err.strip()}')
    return info


def check_database(tools, name, good_rows):
    """What says complete has all its rows. Returns how many analyses say so, or None without a database."""
    path = tools.path(name)
    if not os.path.exists(path):
        return None
    db = sqlite3.connect(path, timeout=5)
    try:
        done = db.execute('SELECT name, rows FROM analysis WHERE complete').fetchall()
    except sqlite3.DatabaseError as e:
        if 'no such table' not in str(e) and 'not a database' not in str(e):
            raise Wrong(f'{name}: {e}')
        return 0
    finally:
        db.close()
    for analysis, rows in done:
        if rows != good_rows[analysis]:
            raise Wrong(f'{analysis} says complete with {rows} rows of {good_rows[analysis]}')
        status, out, err = tools.run('sql', name, f'SELECT count(*) FROM {analysis}', '--format', 'csv')
        if status != 0 or out.split()[-1] != str(good_rows[analysis]):
            raise Wrong(f'{analysis} says complete with {good_rows[analysis]} rows, but has {out.split()[-1:]}: {err.strip()}')
    return len(done)


def database_rows(tools, name):
    db = sqlite3.connect(tools.path(name))
    rows = dict(db.execute('SELECT name, rows FROM analysis WHERE complete').fetchall())
    db.close()
    return rows


def report(path, **values):
    if path:
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        with open(path, 'w') as f:
            json.dump(values, f)
            f.write('\n')
