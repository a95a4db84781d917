"""`python -m imagewikiqa` is the command line."""

from imagewikiqa.cli.main import run

if __name__ == "__main__":
    run()
