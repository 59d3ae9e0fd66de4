"""The strange rows of tables, and why they are."""

from __future__ import annotations

from isthmus.studio.apply.describe import Option, Task

TASK = Task(
    name="detect",
    verb="detect",
    title="Find strange rows",
    help="Learns how the columns of a table belong together, ranks its rows by how badly they fit, and "
    "says which columns are to blame. The result is your table with score, alert and explanation.",
    takes=("table",),
    gives="table",
    icon="rows",
    order=50,
    named="scored",
    groups={"alerts": "Alert"},
    options=(
        Option(
            "contamination",
            "a share of the rows",
            control="number",
            step=0.001,
            group="alerts",
            start=0.01,
            least=0.0001,
            most=0.5,
            help="Rows as strange as this share of those that were learnt from.",
        ),
        Option(
            "alerts",
            "a number of rows",
            group="alerts",
            start="100",
            help="So many in all, or so many a day: 100 or 20/day.",
        ),
        Option(
            "label",
            "Column with the answer",
            control="column",
            help="Says which rows are bad: learnt from, never looked at when judging.",
        ),
        Option(
            "time",
            "Column with the day",
            control="column",
            help="For so many alerts a day; needed where a table has several dates.",
        ),
        Option(
            "train_on",
            "Learn from another table",
            control="file",
            takes="table",
            together=True,
            help="Its rows are taken as normal. Without it each table is judged by itself.",
        ),
        Option("most", "Columns named for each alert", most=10),
    ),
)
