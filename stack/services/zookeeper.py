"""A ZooKeeper server, in which the JobManager records the jobs that it runs and their newest checkpoints.

The server is the one in Flink's distribution, with the version of Flink's own client: one small process, no download.
"""

import socket
from pathlib import Path

from stack.services.cds_archives import archive_flags
from stack.services.flink_home import distribution, flink_home
from stack.services.java import Java
from stack.services.kafka import LOG4J
from stack.services.settings import LOOPBACK, RESPONDS_WITHIN_S, ZOOKEEPER_HEAP, StackSettings
from stack.services.supervisord_config import Program

SERVER = "org.apache.flink.shaded.zookeeper3.org.apache.zookeeper.server.quorum.QuorumPeerMain"
# Time after which the server ends the session of a killed JobManager, so that the next one becomes leader. A JobManager
# needs most of that time to start. A pause of the JobManager that is longer than this restarts its jobs.
SESSION_S = 10
FLAGS = (f"-Xmx{ZOOKEEPER_HEAP}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dzookeeper.preAllocSize=1024")  # KiB
STARTED_FIRST = 1


def server_properties(settings: StackSettings) -> dict[str, str]:
    """The server's configuration. With four checkpoints a second its logs and snapshots stay below 100 MB."""
    return {
        "dataDir": str(data_folder(settings.home)),
        "clientPort": str(settings.zookeeper_port),
        "clientPortAddress": LOOPBACK,
        "tickTime": "1000",
        "maxSessionTimeout": str(SESSION_S * 1000),
        "admin.enableServer": "false",
        "snapCount": "20000",
        "autopurge.snapRetainCount": "3",
        "autopurge.purgeInterval": "1",  # hours
    }


def client_keys(settings: StackSettings) -> dict[str, str]:
    """Flink's keys for JobManager and TaskManagers. Clients have none of them: they use the REST address."""
    return {
        "high-availability.type": "zookeeper",
        "high-availability.storageDir": storage_folder(settings.home).as_uri(),
        "high-availability.cluster-id": "/local",
        "high-availability.jobmanager.port": str(settings.flink_rpc_port),
        "high-availability.zookeeper.quorum": f"{LOOPBACK}:{settings.zookeeper_port}",
        "high-availability.zookeeper.client.session-timeout": f"{SESSION_S}s",
        "high-availability.zookeeper.client.connection-timeout": "5s",
        "high-availability.zookeeper.client.retry-wait": "1s",
        "high-availability.zookeeper.client.max-retry-attempts": "10",
        # A restart of the server within the session time does not restart the jobs.
        "high-availability.zookeeper.client.tolerate-suspended-connections": "true",
    }


def prepare(settings: StackSettings) -> None:
    """Write the configuration."""
    conf = _conf(settings)
    conf.mkdir(parents=True, exist_ok=True)
    properties = "".join(f"{key}={value}\n" for key, value in server_properties(settings).items())
    (conf / "zoo.cfg").write_text(properties)
    (conf / "log4j2.properties").write_text(LOG4J)


def program(settings: StackSettings, java: Java) -> Program:
    """The server process. It starts before the JobManager and stops after it."""
    classpath = _classpath(settings)
    command = [
        str(java.executable),
        *FLAGS,
        *archive_flags(settings, java, "zookeeper", classpath),
        "-Dservice=zookeeper",
        f"-Dlog4j2.configurationFile={_conf(settings) / 'log4j2.properties'}",
        "-cp",
        classpath,
        SERVER,
        str(_conf(settings) / "zoo.cfg"),
    ]
    return Program("zookeeper", command, priority=STARTED_FIRST)


def responds(settings: StackSettings) -> bool:
    """True if the server serves requests. Raises OSError while its port is closed."""
    with socket.create_connection((LOOPBACK, settings.zookeeper_port), timeout=RESPONDS_WITHIN_S) as connection:
        connection.sendall(b"srvr")
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    return b"Mode: standalone" in answer


def data_folder(home: Path) -> Path:
    return home / "zookeeper"


def storage_folder(home: Path) -> Path:
    """Folder to which the JobManager writes what the server's records refer to."""
    return home / "ha"


def _classpath(settings: StackSettings) -> str:
    lib = flink_home(settings) / "lib"
    found = [*sorted(lib.glob("log4j-*.jar")), distribution(settings)]
    return ":".join(str(jar.resolve()) for jar in found)


def _conf(settings: StackSettings) -> Path:
    return settings.home / "conf" / "zookeeper"
