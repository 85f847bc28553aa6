"""`python -m certification_lib` is `certify`."""

from certification_lib.cli import main

main()
