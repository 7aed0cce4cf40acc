"""python -m vllm.entrypoints.openai.api_server: quire serve, with the model as --model."""

import os
import sys

from quire._program import program


def main() -> None:
    os.execv(program(), [program(), "serve", *sys.argv[1:]])


if __name__ == "__main__":
    main()
