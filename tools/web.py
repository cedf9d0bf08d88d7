# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"Serve Tryton with its web client of npm (standard library only)"
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from . import environment


class Missing(Exception):
    "The client can't be installed; the message says why and what to do"


def install():
    """Return the folder to serve, with the client and what it loads.

    The package holds the built client, but its page loads its dependencies
    from a folder node_modules beside itself: they are installed there.
    """
    target = environment.CACHE / 'sao'
    with environment.lock('sao', "Another command installs the web client…"):
        if not (target / 'index.html').exists():
            _install(target)
    return target


def _install(target):
    npm = shutil.which('npm')
    if not npm:
        raise Missing("npm was not found (Debian's package is named npm).")
    print("Installing the web client", flush=True)
    with tempfile.TemporaryDirectory(dir=environment.CACHE) as folder:
        packed = _npm(
            npm, folder, 'pack', '--json',
            f'tryton-sao@{environment.SERIES}')
        archive = Path(folder) / json.loads(packed)[0]['filename']
        # The name of a folder in the archive is always "package".
        shutil.unpack_archive(archive, folder)
        package = Path(folder) / 'package'
        _npm(
            npm, package, 'install', '--omit=dev', '--ignore-scripts',
            '--legacy-peer-deps', '--no-audit', '--no-fund')
        package.rename(target)


def _npm(npm, folder, *arguments):
    result = subprocess.run(
        [npm, *arguments], cwd=folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if result.returncode:
        sys.stderr.write(result.stderr)
        raise Missing("npm failed: see its message above.")
    return result.stdout


def listening(port):
    with socket.socket() as connection:
        return not connection.connect_ex(('localhost', port))


@contextmanager
def serve(python, config, name, port, log):
    """Run trytond as long as the block lasts; give its process.

    The port must be the one of the configuration. What the server says goes
    to the file log. Raises RuntimeError when the server ends at once.
    """
    with open(log, 'w') as output:
        # -O as in production.
        server = subprocess.Popen(
            [str(python), '-O', '-m', 'trytond.cli', '-c', str(config),
                '-d', name],
            cwd=environment.ROOT, stdout=output, stderr=output)
    try:
        while not listening(port):
            if server.poll() is not None:
                raise RuntimeError(
                    log.read_text() + "\nThe server ended: see above.")
            time.sleep(0.2)
        yield server
    finally:
        server.terminate()
        server.wait()
