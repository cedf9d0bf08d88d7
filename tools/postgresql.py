# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"A private PostgreSQL server, for tests and benchmarks (standard library only)"
import glob
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

if os.name == 'posix':
    import pwd

USER = 'tryton'


def find_binaries():
    "Return the folder of the newest PostgreSQL server binaries or None"
    def version(path):
        return [int(n) for n in path.split('/')[-2].split('.')]
    folders = sorted(
        (p for p in glob.glob('/usr/lib/postgresql/*/bin')
            if os.access(f'{p}/initdb', os.X_OK)),
        key=version, reverse=True)
    on_path = shutil.which('initdb')
    if on_path:
        folders.insert(0, os.path.dirname(os.path.realpath(on_path)))
    for folder in folders:
        if os.access(f'{folder}/postgres', os.X_OK):
            return folder
    return None


def _owner():
    "Return the account that may run the server, None for the present one"
    if os.geteuid():
        return None
    for name in ['postgres', 'nobody']:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    sys.exit("PostgreSQL refuses to run as root and there is neither an "
        "account postgres nor an account nobody.")


class Server:
    """A context manager: starts the server and removes it at exit.

    It listens only on a socket in a temporary folder of its own and writes
    nothing safely to the disk: for data that may be lost.
    `environment` holds the variables that lead clients to it.
    """

    def __init__(self, binaries=None, options=()):
        self.binaries = binaries or find_binaries()
        self.options = list(options)
        self.folder = None
        self.process = None

    @property
    def environment(self):
        return {
            'PATH': f"{self.binaries}{os.pathsep}{os.environ['PATH']}",
            'PGHOST': str(self.folder),
            'PGUSER': USER,
            'TRYTOND_DATABASE_URI': 'postgresql://',
            }

    def _command(self, name):
        return str(Path(self.binaries) / name)

    def __enter__(self):
        # A socket path may not be longer than about 100 characters.
        self.folder = Path(tempfile.mkdtemp(prefix='cae-pg-'))
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self):
        owner = _owner()
        account = {}
        if owner:
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
            account = {
                'user': owner.pw_uid,
                'group': owner.pw_gid,
                'extra_groups': [],
                'env': {**os.environ, 'HOME': str(self.folder)},
                }
        data = self.folder / 'data'
        subprocess.run([
                self._command('initdb'), '-D', str(data), '-U', USER,
                '--auth=trust', '-E', 'UTF8', '--no-locale', '--no-sync',
                ], check=True, stdout=subprocess.DEVNULL, cwd=self.folder,
            **account)
        options = [
            'listen_addresses=',
            f'unix_socket_directories={self.folder}',
            'fsync=off',
            'synchronous_commit=off',
            'full_page_writes=off',
            ] + self.options
        command = [self._command('postgres'), '-D', str(data)]
        for option in options:
            command += ['-c', option]
        with open(self.folder / 'log', 'wb') as log:
            # Its own session: Ctrl-C must not reach it before its clients.
            self.process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT,
                cwd=self.folder, start_new_session=True, **account)
        for _ in range(300):
            ready = subprocess.run([
                    self._command('pg_isready'), '-q', '-h', str(self.folder),
                    '-d', 'postgres'])
            if not ready.returncode:
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError("PostgreSQL did not start:\n"
            + (self.folder / 'log').read_text(errors='replace'))

    def __exit__(self, *exception):
        if self.process and self.process.poll() is None:
            # Ends the open connections too; the data is thrown away.
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
