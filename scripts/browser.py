"""Find a Chromium for the browser tests, or get one: from the machine, as root from apt, else Playwright's own.

As root the light one is installed beside another: the tests are a minute shorter for it. Prints the path of the
browser; where none can be had it says in one line what to install.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

# Chromium without what people need of it besides pages: the tests take it half the processor time.
LIGHT = "chromium-headless-shell"
NAMES = (LIGHT, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


def browser_path() -> str | None:
    """The browser of this machine, or the one Playwright has downloaded."""
    for name in NAMES:
        if found := shutil.which(name):
            return found
    return str(MAC) if MAC.exists() else _playwright_browser()


def get_browser() -> str | None:
    if not _install_as_root(LIGHT) and browser_path() is None:
        _install_as_root("chromium")
    if browser_path() is None:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    return browser_path()


def _install_as_root(package: str) -> bool:
    """Whether the package is there now; nothing is removed for it."""
    if shutil.which(package):
        return True
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    apt = ["apt-get", "-qq", "-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=10"]
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "-y", "--no-install-recommends", "--no-remove", package]):
        subprocess.run([*apt, *command], env=quiet, capture_output=True, check=False)
    return shutil.which(package) is not None


def _playwright_browser() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def main() -> int:
    path = get_browser()
    if path is None:
        print("The browser tests need Chromium: install the package chromium or Google Chrome.", file=sys.stderr)
        return 1
    print(f"Browser: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
