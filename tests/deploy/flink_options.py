"""Keys that Flink's classes define, read in a JVM: `python -m tests.deploy.flink_options [JAR…]` prints them as JSON.

`known`: keys of options; `old`: keys that an option only still accepts. JARs are read in addition to the distribution.
"""

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from core.resources import ROOT
from stack.services.flink_home import flink_package
from stack.services.java import find_java

OPTIONS = re.compile(r"org/apache/flink/(?!shaded).*Options(Internal)?\.class")
OPTION = "org.apache.flink.configuration.ConfigOption"
JARS = ("lib/flink-dist*.jar", "lib/flink-table-api-java-uber*.jar", "opt/flink-python*.jar")


def read_options(jars: list[Path]) -> dict[str, list[str]]:
    """The keys, read in a JVM of its own, which leaves this process's environment alone."""
    command = [sys.executable, "-m", "tests.deploy.flink_options", *map(str, jars)]
    environment = os.environ | {"JAVA_HOME": str(find_java().home), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    keys: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    return keys


def _collect(jars: list[Path]) -> tuple[set[str], set[str]]:
    from py4j.protocol import Py4JJavaError
    from pyflink.java_gateway import get_gateway

    gateway = get_gateway()
    java: Any = gateway.jvm.java
    urls = gateway.new_array(java.net.URL, len(jars))
    for number, jar in enumerate(jars):
        urls[number] = java.net.URL(jar.as_uri())
    loader = java.net.URLClassLoader(urls, java.lang.Thread.currentThread().getContextClassLoader())
    known, accepted = set(), set()
    for name in _classes([*(next(flink_package().glob(jar)) for jar in JARS), *jars]):
        for field in java.lang.Class.forName(name, False, loader).getDeclaredFields():
            if field.getType().getName() != OPTION or not java.lang.reflect.Modifier.isStatic(field.getModifiers()):
                continue
            field.setAccessible(True)
            try:
                option = field.get(None)
            except Py4JJavaError:  # a class of a file format whose library is not here
                continue
            known.add(option.key())
            accepted |= {key.getKey() for key in option.fallbackKeys()}
    return known, accepted - known


def _classes(jars: list[Path]) -> list[str]:
    names = (name for jar in jars for name in zipfile.ZipFile(jar).namelist())
    return [name.removesuffix(".class").replace("/", ".") for name in names if OPTIONS.fullmatch(name)]


if __name__ == "__main__":
    found = _collect([Path(argument) for argument in sys.argv[1:]])
    print(json.dumps({"known": sorted(found[0]), "old": sorted(found[1])}))
