"""Find a Chromium for the browser tests, or get one: from the machine, as root from apt, else Playwright's own.

Prints its path. Where none can be had it says in one line what to install.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


def browser_path() -> str | None:
    """The browser of this machine, or the one Playwright has downloaded."""
    for name in NAMES:
        if found := shutil.which(name):
            return found
    return str(MAC) if MAC.exists() else _playwright_browser()


def get_browser() -> str | None:
    if os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
            subprocess.run(["apt-get", "-qq", *command], env=quiet, stdout=subprocess.DEVNULL, check=False)
    if browser_path() is None:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    return browser_path()


def _playwright_browser() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def main() -> int:
    path = browser_path() or get_browser()
    if path is None:
        print("The browser tests need Chromium: install the package chromium or Google Chrome.", file=sys.stderr)
        return 1
    print(f"Browser: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
