"""`python -m langadapt`."""

from langadapt.cli import main

if __name__ == "__main__":
    main()
