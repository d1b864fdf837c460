"""Programs that the model runs."""

import re
import shutil
import subprocess


class Failure(Exception):
    def __init__(self, text, status=2):
        super().__init__(text)
        self.status = status


def run(command, text=None):
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode:
        raise Failure(f"{' '.join(map(str, command))} failed:\n{done.stderr}{done.stdout}")
    return done.stdout


def find_llvm(name):
    """The newest `name` or `name-<version>` in PATH, with its version."""
    found = []
    for candidate in [name] + [f"{name}-{v}" for v in range(40, 13, -1)]:
        if shutil.which(candidate):
            version = re.search(r"LLVM version (\d+)[\d.]*", run([candidate, "--version"]))
            found.append((int(version[1]), candidate, version[0]))
    if not found or max(found)[0] < 17:
        raise Failure(f"{name} of LLVM 17 or newer is not in PATH (Debian: apt install llvm-19)", 77)
    return max(found)[1:]
