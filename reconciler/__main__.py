"""Where `reconcile` and `python -m reconciler` begin. Ctrl-C while the imports run ends them as it does later on."""

import sys


def main() -> None:
    """Import the command line and run it; it leaves with its exit code."""
    try:
        from reconciler.cli import main as run

        run()
    except KeyboardInterrupt:
        if sys.stderr is not None:
            sys.stderr.write("interrupted\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
