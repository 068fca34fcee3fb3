"""`python -m services` is the `hotline` command."""

from services.cli import main

if __name__ == "__main__":
    main()
