"""`worker`: the clock and the sender."""

import click

from app.cli.context import runtime_of
from app.jobs.worker import Worker, run_until_idle


@click.command("worker")
@click.option("--once", is_flag=True, help="Repeat until nothing is due, then exit.")
def worker(once: bool) -> None:
    """Plan, send and settle what is due, until stopped."""
    if once:
        click.echo(f"{run_until_idle(runtime_of())} done.", err=True)
    else:
        Worker(runtime_of()).run()
