"""`python -m services` is the `hotline` command."""

from services.cli import main

main()
