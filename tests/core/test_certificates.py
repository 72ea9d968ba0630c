"""Downloads trust an authority that only the system's store has: a loopback server stands in for the proxy."""

import os
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
import trustme
from jgo.util import http

from core import certificates
from core.certificates import jgo_trusts_the_system, pip_environment, system_bundle
from core.resources import ROOT

VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT", "UV_SYSTEM_CERTS")


class Repository(BaseHTTPRequestHandler):
    """Answers every GET with one line."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"jar")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only bundle of the system."""
    file = tmp_path / "ca-certificates.crt"
    monkeypatch.setattr(certificates, "SYSTEM_BUNDLES", (tmp_path / "absent.pem", file))
    return file


@pytest.fixture
def url(bundle: Path) -> Iterator[str]:
    """An HTTPS server that an authority of the bundle has signed."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(bundle)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with ThreadingHTTPServer(("127.0.0.1", 0), Repository) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"https://localhost:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_jgo_downloads_from_a_server_that_only_the_systems_store_can_verify(url: str) -> None:
    with pytest.raises(requests.exceptions.SSLError):
        http.get(url, timeout=10)
    with jgo_trusts_the_system():
        assert http.get(url, timeout=10).content == b"jar"
    with pytest.raises(requests.exceptions.SSLError):
        http.get(url, timeout=10)


def test_a_bundle_that_the_user_names_goes_before_the_systems(
    url: str, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own.pem"
    bundle.rename(own)
    trustme.CA().cert_pem.write_to_path(bundle)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(own))
    with jgo_trusts_the_system():
        assert http.get(url, timeout=10).status_code == 200


def test_ssl_cert_file_goes_before_the_distributions_bundle(bundle: Path) -> None:
    assert system_bundle({}) is None
    bundle.touch()
    assert system_bundle({}) == bundle
    assert system_bundle({"SSL_CERT_FILE": "/own.pem"}) == Path("/own.pem")


def test_pip_trusts_the_systems_bundle_unless_the_user_names_another(bundle: Path) -> None:
    assert pip_environment({}) == {}
    bundle.touch()
    assert pip_environment({"A": "1"}) == {"A": "1", "PIP_CERT": str(bundle)}
    assert pip_environment({"PIP_CERT": "/own.pem"}) == {"PIP_CERT": "/own.pem"}


def make_environment(**given: str) -> dict[str, str]:
    """The environment that the Makefile gives its commands."""
    command = ["make", "--silent", "--eval", "print-environment: ; @env", "print-environment"]
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES} | given
    lines = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout
    return dict(line.split("=", 1) for line in lines.splitlines() if "=" in line)


def test_make_installs_with_the_systems_certificates() -> None:
    environment, bundle = make_environment(), system_bundle()
    assert environment["UV_SYSTEM_CERTS"] == "true"
    assert environment.get("PIP_CERT", "") == (str(bundle) if bundle else "")
    named = make_environment(SSL_CERT_FILE="/own.pem")
    assert named["PIP_CERT"] == "/own.pem" and make_environment(PIP_CERT="/pip.pem")["PIP_CERT"] == "/pip.pem"


def test_the_makefile_and_the_stack_look_for_the_same_bundles() -> None:
    text = (ROOT / "Makefile").read_text()
    assert " ".join(map(str, certificates.SYSTEM_BUNDLES)) in text
