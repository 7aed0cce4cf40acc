"""python -m quire: the native program."""

from quire._program import main

if __name__ == "__main__":
    main()
