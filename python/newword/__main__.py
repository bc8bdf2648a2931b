"""`python -m newword`: the command line."""

from newword.cli import main

if __name__ == "__main__":
    main()
