"""``isthmus bench``: how fast this machine trains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from isthmus.cli.common import json_option, result, say, table

if TYPE_CHECKING:
    from isthmus.bench.run import Speed


@click.command(epilog="Example: isthmus bench dense")
@click.argument("name", required=False, type=click.Choice(["dense", "conv"]))
@click.option(
    "--rounds",
    default=2,
    show_default=True,
    type=click.IntRange(1, 20),
    help="The best of so many counts.",
)
@json_option
def bench(name: str | None, rounds: int, as_json: bool) -> None:
    """Training speed beside a plain torch loop and the processor's limit, per CPU-second of one thread.

    The comparison with other libraries is `make bench` in the repository.
    """
    from isthmus.bench.run import measure, own_command

    nets = [name] if name else ["dense", "conv"]
    contenders = [("isthmus", own_command), ("plain torch", own_command)]
    speeds, peak = measure(contenders, nets, rounds, say)
    rows = table_rows(speeds, peak)
    tree = {
        "peak_gflops": round(peak, 1),
        "speeds": [
            {"name": s.name, "net": s.net, "samples_per_cpu_second": round(s.samples)}
            for s in speeds
        ],
    }
    header = ["net", "loop", "samples / CPU-s", "beside plain torch", "of the peak"]
    result(
        tree,
        as_json,
        f"{table(rows, header)}\nmatrix-multiply peak: {peak:.0f} GFLOP/s of one thread",
    )


def table_rows(speeds: list[Speed], peak: float) -> list[list[str]]:
    """Rows of text: net, contender, speed, ratio to the plain loop, share of the peak."""
    from isthmus.bench.contenders import FLOPS

    plain = {s.net: s.samples for s in speeds if s.name == "plain torch"}
    return [
        [
            s.net,
            s.name,
            f"{s.samples:,.0f}",
            f"{s.samples / plain[s.net]:.2f}",
            f"{s.samples * FLOPS[s.net] / (peak * 1e9):.0%}",
        ]
        for s in sorted(speeds, key=lambda s: (s.net != "dense", -s.samples))
    ]
