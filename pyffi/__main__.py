import sys

from .config import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
