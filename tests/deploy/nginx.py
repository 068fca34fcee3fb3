"""A real nginx with the files of deploy/nginx, in front of whatever listens on this machine."""

import asyncio
import contextlib
import os
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from tests.conftest import program
from tests.deploy.files import DEPLOY
from tools.processes import free_port

CONF = (DEPLOY / "nginx/hotline.conf").read_text(encoding="utf-8")
WHOLE = """
daemon off;
user root;
pid {folder}/nginx.pid;
events {{}}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/backends.conf;
    include {folder}/hotline.conf;
}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A running nginx; `log` is what it says of requests."""

    url: str
    log: Path


def write_configuration(folder: Path, backends: str, ports: Mapping[str, int], port: int) -> Path:
    """Write our files as they are, but for where things listen; returns what nginx is started with."""
    openssl = program("openssl")
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-keyout", folder / "tls.key", "-out", folder / "tls.crt"],
        check=True, capture_output=True,
    )  # fmt: skip
    mapped = (DEPLOY / "nginx" / backends).read_text(encoding="utf-8")
    for name, its_port in ports.items():
        mapped = mapped.replace(f'"{name}:8080"', f'"127.0.0.1:{its_port}"')
    changes = {
        "listen 8443 ssl": f"listen 127.0.0.1:{port} ssl",
        "listen 8080": f"listen 127.0.0.1:{free_port()}",
        "/etc/nginx/tls": str(folder),
        "/dev/stdout": str(folder / "access.log"),
        "/dev/stderr": str(folder / "error.log"),
    }
    served = CONF
    for ours, here in changes.items():
        assert ours in served
        served = served.replace(ours, here)
    (folder / "backends.conf").write_text(mapped, encoding="utf-8")
    (folder / "hotline.conf").write_text(served, encoding="utf-8")
    (folder / "nginx.conf").write_text(WHOLE.format(folder=folder), encoding="utf-8")
    return folder / "nginx.conf"


@contextlib.asynccontextmanager
async def in_front_of(
    ports: Mapping[str, int], folder: Path, *, backends: str = "backends.conf", port: int = 0
) -> AsyncIterator[Proxy]:
    """Run nginx before the ports of the services named, with `backends` saying which path is whose."""
    nginx = shutil.which("nginx", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])) or program("nginx")
    port = port or free_port()
    configuration = write_configuration(folder, backends, ports, port)
    process = await asyncio.create_subprocess_exec(
        nginx, "-e", str(folder / "start.log"), "-c", str(configuration), "-p", str(folder)
    )
    try:
        yield Proxy(url=f"https://127.0.0.1:{port}", log=folder / "access.log")
    finally:
        process.terminate()
        await process.wait()


@contextlib.asynccontextmanager
async def browser(proxy: Proxy) -> AsyncIterator[aiohttp.ClientSession]:
    """Return a client that keeps cookies and believes the certificate, once nginx listens."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    connector, cookies = aiohttp.TCPConnector(ssl=trusting), aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=cookies) as client:
        await listening(client, proxy.url)
        yield client


async def listening(client: aiohttp.ClientSession, url: str) -> None:
    """Wait until nginx listens; the test's own timeout ends a wait in vain."""
    while True:
        try:
            async with client.get(f"{url}/metrics"):
                return
        except aiohttp.ClientConnectorError:
            await asyncio.sleep(0.05)
