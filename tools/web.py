# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"Tryton's web client, from its npm package (standard library only)"
import json
import shutil
import subprocess
import sys
import tempfile
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
