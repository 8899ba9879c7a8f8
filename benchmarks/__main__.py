"""`make bench`: every benchmark beside its floor, as one table."""

import sys

from benchmarks import email_out, expansion, importing, process, respondents, sending
from benchmarks.report import HEAD

SUITES = {
    "process": process.measure,
    "email": email_out.measure,
    "sending": sending.measure,
    "respondents": respondents.measure,
    "expansion": expansion.measure,
    "importing": importing.measure,
}


def main(wanted: list[str]) -> None:
    """All suites, or those named."""
    print(HEAD)
    for name, measure in SUITES.items():
        if not wanted or name in wanted:
            for line in measure():
                print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
