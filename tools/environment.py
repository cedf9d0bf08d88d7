# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The virtual environment of the commands at the root.

Standard library only: it runs before anything is installed.
"""
import hashlib
import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # no file locks on this system
    fcntl = None

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / '.cache'
VENV = ROOT / '.venv'
SERIES = '8.0'


def bin_dir(venv=VENV):
    "Folder of the commands of a virtual environment"
    return venv / ('Scripts' if os.name == 'nt' else 'bin')


def venv_python(venv=VENV):
    "Interpreter of a virtual environment"
    return bin_dir(venv) / ('python.exe' if os.name == 'nt' else 'python')


@contextmanager
def lock(name, message):
    """Hold the lock file .cache/<name>.lock; print message if it has to wait.

    Two commands started in one checkout would spoil each other's files.
    """
    CACHE.mkdir(exist_ok=True)
    with open(CACHE / f'{name}.lock', 'w') as file:
        if fcntl:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                print(message, flush=True)
                fcntl.flock(file, fcntl.LOCK_EX)
        yield


def hash_files(paths, *extra):
    "Return a short digest of the names and contents of files and of strings"
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(str(path.relative_to(ROOT)).encode() + b'\0')
        digest.update(path.read_bytes() + b'\0')
    for text in extra:
        digest.update(text.encode() + b'\0')
    return digest.hexdigest()[:20]


def ensure(extras=()):
    """Make .venv hold the project with these extras; return its python.

    The environment is kept as long as setup.cfg, the constraints and the
    interpreter are the same.
    """
    with lock('venv', "Another command prepares .venv: waiting for it…"):
        return _ensure(set(extras))


def _ensure(extras):
    constraints = ROOT / 'constraints' / f'{SERIES}.txt'
    digest = hash_files(
        [ROOT / 'setup.cfg', ROOT / 'pyproject.toml', constraints],
        str(ROOT), sys.version)
    stamp = VENV / 'stamp.json'
    python = venv_python()
    try:
        known = json.loads(stamp.read_text())
        installed = set(known['extras'])
    except (OSError, ValueError, KeyError):
        known, installed = {}, set()
    if known.get('digest') == digest and python.exists():
        if extras <= installed:
            return python
        extras = extras | installed
    else:
        print(f"Creating {VENV.name} with Python "
            f"{sys.version_info[0]}.{sys.version_info[1]}", flush=True)
        shutil.rmtree(VENV, ignore_errors=True)
        try:
            subprocess.run(
                [sys.executable, '-m', 'venv', str(VENV)], check=True,
                stdout=subprocess.DEVNULL)
        except subprocess.CalledProcessError:
            shutil.rmtree(VENV, ignore_errors=True)
            sys.exit(
                "The virtual environment could not be made. On Debian and "
                "Ubuntu install the package python3-venv, then try again.")
    stamp.unlink(missing_ok=True)
    target = str(ROOT)
    if extras:
        target += f'[{",".join(sorted(extras))}]'
    print("Installing trytond-cae and what it needs", flush=True)
    result = subprocess.run([
            str(python), '-m', 'pip', 'install', '--quiet',
            '--disable-pip-version-check', '-c', str(constraints),
            '-e', target])
    if result.returncode:
        sys.exit("The installation failed: see the message of pip above.")
    stamp.write_text(json.dumps({
                'digest': digest,
                'extras': sorted(extras),
                }))
    return python
