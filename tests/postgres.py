"""A private PostgreSQL server on a free loopback port, from the installed binaries, for one test run."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

import psycopg
from sqlalchemy import text

from app.db import Database
from app.models import Base, Setting

KEPT = Setting.__tablename__
HOMES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


class PostgresServer:
    """initdb, pg_ctl start and stop; as the `postgres` user when we are root, which the server refuses."""

    def __init__(self, home: Path, *, durable: bool = False) -> None:
        self.home = home
        self.durable = durable
        self.data = home / "data"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]

    def start(self) -> None:
        self._open_the_way()
        if os.getuid() == 0:
            shutil.chown(self.home, "postgres")
        self._run("initdb", "-D", str(self.data), "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8")
        options = f"-p {self.port} -k {self.home} -h 127.0.0.1 -c max_connections=60"
        options += "" if self.durable else " -c fsync=off -c full_page_writes=off"
        self._run("pg_ctl", "-D", str(self.data), "-l", str(self.home / "log"), "-w", "-o", options, "start")

    def stop(self) -> None:
        self._open_the_way()  # a second pytest that began meanwhile has closed the folder above both again
        self._run("pg_ctl", "-D", str(self.data), "-m", "immediate", "-w", "stop")

    def create_database(self, name: str) -> str:
        with psycopg.connect(self._dsn("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE \"{name}\" LOCALE 'C.UTF-8' TEMPLATE template0")
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{name}"

    def empty(self, db: Database) -> None:
        """Delete every row, with foreign keys looking away; much faster than TRUNCATE on small tables.

        The key of the addresses stays: it never changes as long as a database lives.
        """
        tables = "; ".join(f'DELETE FROM "{name}"' for name in Base.metadata.tables if name != KEPT)
        tables += f"; DELETE FROM \"{KEPT}\" WHERE name <> 'address_key'"
        with db.write() as session:
            session.execute(text("SET LOCAL session_replication_role = replica"))
            session.connection().exec_driver_sql(tables)

    def _open_the_way(self) -> None:
        """Let the `postgres` user pass through the folders above its own, where root runs the tests."""
        if os.getuid() != 0:
            return
        for folder in (self.home, *self.home.parents):
            if folder.stat().st_uid == 0 and folder != Path("/") and not folder.stat().st_mode & 0o001:
                folder.chmod(folder.stat().st_mode | 0o011)

    def _dsn(self, name: str) -> str:
        return f"host=127.0.0.1 port={self.port} user=postgres dbname={name}"

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(HOMES[0] / program), *arguments]
        user = "postgres" if os.getuid() == 0 else None
        done = subprocess.run(command, user=user, cwd="/", capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stdout}{done.stderr}")
