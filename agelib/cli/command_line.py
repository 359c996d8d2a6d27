"""One command line: what is typed, its log, how it is stopped, and what an error looks like.

``agelib`` and ``agebook`` are two of them. Explained in "For operators".
"""

import argparse
import contextlib
import sys

from agelib.runtime import extras, interrupts, logs, progress, streams


def run_command(program: str, description: str, groups, arguments: list[str] | None = None) -> int:
    """Run one command of a program and return its exit code.

    0: done; 1: something failed on the way; 2: asked for what cannot be; 130: stopped by Ctrl-C or SIGTERM.

    Parameters
    ----------
    program, description : str
        Its name, and what its help says of it.
    groups : iterable of module
        Each one's ``add`` adds its commands to the parser's.
    arguments : list of str, optional
        In place of those that were typed.
    """
    streams.speak_any()
    chosen = _parser(program, description, groups).parse_args(arguments)
    typed = interrupts.typed(arguments, program)
    # A server ends by Ctrl-C, and ends what it has started, in its own way.
    signals = contextlib.nullcontext() if chosen.ends_by_itself else interrupts.on_signals()
    with logs.log_of(chosen.name, typed) as log, signals:
        try:
            extras.require(*chosen.needs)
            return chosen.command(chosen) or 0
        except KeyboardInterrupt:
            return _stopped(program, chosen, typed)
        except (ValueError, OSError, RuntimeError) as error:
            if log.is_begun:
                logs.LOGGER.error("%s", error, exc_info=True)
            if chosen.traceback:
                raise
            print(f"{program} {chosen.name}: {error}", file=sys.stderr)
            return 2
        except Exception as error:
            if (remedy := extras.remedy(error)) and not chosen.traceback:
                print(f"{program} {chosen.name}: {remedy}", file=sys.stderr)
                return 2
            logs.LOGGER.critical("%s", error, exc_info=True)
            if chosen.traceback:
                raise
            said = f"{type(error).__name__}: {error}"
            print(f"{program} {chosen.name}: unexpected, {said}; where it comes from: {log.file}", file=sys.stderr)
            return 1


def _stopped(program: str, chosen, typed: str) -> int:
    """Say how far a command came, what is kept, and how to go on."""
    lines = progress.open_lines()
    far = f" ({lines[0].text()})" if lines else ""
    if sys.stderr.isatty():
        print(file=sys.stderr)  # below the ^C that the terminal shows
    said = f"stopped{far}. {chosen.kept} {typed}"
    logs.LOGGER.info(said)
    print(f"{program} {chosen.name}: {said}", file=sys.stderr)
    return interrupts.EXIT_CODE


def _parser(program: str, description: str, groups) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=program, description=description)
    parser.add_argument("--traceback", action="store_true", help="show where in the code an error comes from")
    parser.set_defaults(needs=(), ends_by_itself=False, kept="Nothing of it is kept; it begins anew with:")
    commands = parser.add_subparsers(title="commands", dest="name", required=True)
    for group in groups:
        group.add(commands)
    return parser
