"""OpenSSH's server for the user who runs the tests, with keys of its own."""
import os
import pathlib
import pwd
import subprocess
import urllib.parse

from . import servers, stored

PROGRAM = "/usr/sbin/sshd"
required = servers.required(PROGRAM)


def make_key(path, kind="ed25519"):
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "of a test", "-f", str(path)], check=True)


class SftpServer(servers.LocalServer):
    """Its files are below `root`; whoever has `key` may log in."""

    def __init__(self, directory):
        here = pathlib.Path(directory) / "sftp"
        here.mkdir()
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)  # where sshd wants to be; Debian makes it at boot
        self.root, self.key = here / "files of it", here / "user"
        self.host_keys = {kind: here / f"host_{kind}" for kind in ("ed25519", "rsa")}
        for kind, path in self.host_keys.items():
            make_key(path, kind)
        make_key(self.key)
        self.authorized = here / "authorized_keys"
        self.authorized.write_text(self.public(self.key))
        self.user = pwd.getpwuid(os.geteuid()).pw_name
        port = servers.free_port()
        settings = [f"Port {port}", "ListenAddress 127.0.0.1", "PidFile none", f"AuthorizedKeysFile {self.authorized}",
                    "StrictModes no", "UsePAM no", "PasswordAuthentication no", "KbdInteractiveAuthentication no",
                    "MaxStartups 100", "Subsystem sftp internal-sftp"]
        settings += [f"HostKey {path}" for path in self.host_keys.values()]
        (here / "config").write_text("\n".join(settings) + "\n")
        super().__init__([PROGRAM, "-D", "-e", "-f", here / "config"], port, here / "log")

    @staticmethod
    def public(key):
        return pathlib.Path(f"{key}.pub").read_text()

    def host_key(self, kind="rsa"):
        """RSA is what OpenSSH shows to the peer, which compares whatever is shown first."""
        return self.public(self.host_keys[kind]).strip()

    @property
    def host(self):
        return f"127.0.0.1:{self.port}"

    def path(self, name):
        return str(self.root / name)

    def location(self, name):
        """The address as it is shown."""
        return f"sftp://{self.user}@{self.host}{urllib.parse.quote(self.path(name))}"

    def parameters(self):
        host_key = urllib.parse.quote(self.host_key(), safe="")
        return f"?key-path={self.key}&host-key={host_key}"

    def files(self):
        """Of all that is stored, the path below the root."""
        return stored.files_below(self.root)
