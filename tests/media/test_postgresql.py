"""A real PostgreSQL server of its own, started for the test: tables by URL, read in batches."""

from __future__ import annotations

import getpass
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.rows import payments

from isthmus.errors import DataError
from isthmus.media import tables

pytestmark = pytest.mark.slow
_SERVERS = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("psycopg")
    pytest.importorskip("sqlalchemy")
    if not _SERVERS:
        pytest.skip("no PostgreSQL (apt-get install postgresql)")
    folder = tmp_path_factory.mktemp("pg")
    server = _SERVERS[-1]
    # The server refuses to run for root.
    prefix = ["runuser", "-u", "postgres", "--"] if getpass.getuser() == "root" else []
    if prefix:
        for place in (folder, *list(folder.parents)[:2]):
            place.chmod(0o755)
        shutil.chown(folder, "postgres")
    port = "54329"

    def run(*words: object) -> None:
        subprocess.run([*prefix, *map(str, words)], check=True, capture_output=True)

    run(server.with_name("initdb"), "-D", folder / "data", "-A", "trust", "-U", "tester")
    run(
        server,
        "-D",
        folder / "data",
        "-w",
        "-o",
        f"-p {port} -k {folder} -c listen_addresses=127.0.0.1",
        "-l",
        folder / "log",
        "start",
    )
    try:
        yield f"postgresql://tester@127.0.0.1:{port}/postgres"
    finally:
        run(server, "-D", folder / "data", "-m", "immediate", "stop")


def test_a_table_by_its_url(url: str, tmp_path: Path) -> None:
    import sqlalchemy

    frame = payments(500)
    engine = sqlalchemy.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as base:
        base.exec_driver_sql(
            'create table "Payments" (id int, "when" timestamp, card text, items int, amount float, '
            "country text, currency text, age int, vip boolean, fraud int)"
        )
        base.exec_driver_sql(
            'insert into "Payments" values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)', frame.rows()
        )
    engine.dispose()
    source = tables.source(f"{url}#Payments")
    assert [len(f) for f in source.batches(200)] == [200, 200, 100]
    held = tables.spooled(source, tmp_path).sample(500, 0)[0].sort("id")
    schema = tables.infer(frame, "t", "fraud")
    assert (
        tables.encode(held, schema, "t")[0].values == tables.encode(frame, schema, "t")[0].values
    ).all()
    with pytest.raises(DataError, match="has no table 'payments'; it has: Payments"):
        tables.source(f"{url}#payments")
    with pytest.raises(DataError, match="cannot be opened") as raised:
        tables.source("postgresql://me:secret@127.0.0.1:1/x#t")
    assert "secret" not in str(raised.value)
