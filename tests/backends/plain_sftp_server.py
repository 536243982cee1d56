"""An SFTP server of another make (asyncssh), for what OpenSSH cannot be asked to do as an ordinary user.

plain_sftp_server.py PORT HOST_KEY PASSWORD [plain] [questions] [full]
  plain      offers none of OpenSSH's extensions
  questions  asks for the password by keyboard-interactive
  full       fails every write
"""
import asyncio
import sys

import asyncssh

PORT, HOST_KEY, PASSWORD = int(sys.argv[1]), sys.argv[2], sys.argv[3]
WAYS = set(sys.argv[4:])


class Login(asyncssh.SSHServer):
    def begin_auth(self, username):
        return True

    def password_auth_supported(self):
        return "questions" not in WAYS

    def validate_password(self, username, password):
        return password == PASSWORD

    def kbdint_auth_supported(self):
        return "questions" in WAYS

    def get_kbdint_challenge(self, username, lang, submethods):
        return "", "", "", [("Password: ", False)]

    def validate_kbdint_response(self, username, responses):
        return list(responses) == [PASSWORD]


class Files(asyncssh.SFTPServer):
    def write(self, file_obj, offset, data):
        if "full" in WAYS:
            raise asyncssh.SFTPFailure("No space left on device")
        return super().write(file_obj, offset, data)


async def serve():
    if "plain" in WAYS:
        asyncssh.sftp.SFTPServerHandler._extensions = []
    await asyncssh.create_server(Login, "127.0.0.1", PORT, server_host_keys=[HOST_KEY], sftp_factory=Files)
    await asyncio.Event().wait()


asyncio.run(serve())
