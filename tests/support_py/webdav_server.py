"""Apache's mod_dav with a configuration and a directory of its own."""
import base64
import hashlib
import os
import pathlib
import shutil

from . import servers, stored

PROGRAM = pathlib.Path("/usr/sbin/apache2")
USER, PASSWORD = "someone", "secret word"
MODULES = ["mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_basic", "auth_digest", "dir", "dav",
           "dav_fs"]
required = servers.required(PROGRAM)


class WebdavServer(servers.LocalServer):
    """The folder /dav below `directory`, for one user. `access` is Basic or Digest."""

    def __init__(self, directory, access="Digest"):
        self.access = access
        root = pathlib.Path(directory) / "webdav"
        self.root = root / "root" / "dav"
        self.root.mkdir(parents=True)
        (root / "locks").mkdir()
        pathlib.Path(directory).chmod(0o755)
        self.users = root / "users"
        self.set_password(PASSWORD)
        port = servers.free_port()
        lines = [f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in MODULES]
        lines += ["ServerName localhost", f"ServerRoot {root}", f"PidFile {root}/pid", f"Listen 127.0.0.1:{port}",
                  f"ErrorLog {root}/error.log", f"DavLockDB {root}/locks/db", f"DocumentRoot {root}/root",
                  "MaxKeepAliveRequests 0", "<Directory />", "Require all denied", "</Directory>",
                  f"<Directory {root}/root>", "Dav On", f"AuthType {access}", "AuthName store",
                  f"Auth{access}Provider file", f"AuthUserFile {self.users}", "Require valid-user", "</Directory>"]
        if os.geteuid() == 0:  # as which it would not serve
            lines += ["User www-data", "Group www-data"]
            for folder in (root / "root", self.root, root / "locks"):
                shutil.chown(folder, "www-data", "www-data")
        (root / "httpd.conf").write_text("\n".join(lines) + "\n")
        super().__init__([PROGRAM, "-f", root / "httpd.conf", "-DFOREGROUND"], port, root / "output.log")

    def set_password(self, password):
        if self.access == "Digest":
            secret = hashlib.md5(f"{USER}:store:{password}".encode()).hexdigest()
            self.users.write_text(f"{USER}:store:{secret}\n")
        else:
            secret = base64.b64encode(hashlib.sha1(password.encode()).digest()).decode()
            self.users.write_text(f"{USER}:{{SHA}}{secret}\n")

    def keys(self):
        return stored.files_below(self.root)

    def stop(self):
        """With the processes that it has started, which it ends when it is told to."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()
