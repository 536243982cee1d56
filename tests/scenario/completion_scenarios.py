#!/usr/bin/env python3
"""The completion scripts in real shells, and the manual pages through a real formatter."""
import os
import re
import shutil
import subprocess
import unittest

from scenario import BIN, LIMIT, Scenario
from terminal import OnTerminal

PROGRAM = BIN.resolve() / "litestreamctl"


class Shells(Scenario):
    def setUp(self):
        super().setUp()
        (self.dir / "bin").mkdir()
        (self.dir / "bin/litestreamctl").symlink_to(PROGRAM)
        self.env = {"PATH": f"{self.dir}/bin:{os.environ['PATH']}", "HOME": str(self.dir)}
        for name in ("app.db", "a b.db"):
            self.database(name)
        text = self.standard("app.db").read_text()
        text += f"  - {{path: '{self.dir}/a b.db', replica: {{path: {self.dir}/r2}}}}\n"
        self.daemon("-config", self.config(text))

    def script(self, shell):
        done = self.ctl("completion", shell)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return self.config(done.stdout, f"litestreamctl.{shell}")

    def shell(self, *command):
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, cwd=self.dir, check=False,
                              env={**os.environ, **self.env}, stdin=subprocess.DEVNULL)
        self.assertEqual((done.returncode, done.stderr), (0, ""), command)
        return done.stdout.splitlines()

    def bash(self, *words):
        """What bash offers for the last word."""
        script = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); COMP_LINE="$*"\n' \
                 'complete -p litestreamctl >/dev/null && _litestreamctl litestreamctl "${COMP_WORDS[COMP_CWORD]}"\n' \
                 'for word in "${COMPREPLY[@]}"; do echo "$word"; done'
        return self.shell("bash", "-u", "-c", script, "bash", str(self.dir / "litestreamctl.bash"), "litestreamctl", *words)

    def test_bash(self):
        self.script("bash")
        databases = [f"{self.dir}/a b.db", f"{self.dir}/app.db"]
        self.assertEqual(self.bash("st"), ["start", "stop", "status"])
        self.assertIn("restore", self.bash(""))
        self.assertEqual(self.bash("start", "-w"), ["-wait"])
        self.assertEqual(self.bash("start", "--w"), ["-wait"])
        self.assertEqual(self.bash("status", "-socket", str(self.socket), ""), databases)
        self.assertEqual(self.bash("status", f"--socket={self.socket}", str(self.dir) + "/ap"), databases[1:])
        self.assertEqual(self.bash("status", ""), [])  # nobody to ask
        self.assertEqual(self.bash("status", "-socket", f"{self.dir}/none", ""), [])
        self.assertEqual(sorted(self.bash("start", "-config", "lite")), ["litestream.yml", "litestreamctl.bash"])
        self.assertEqual(self.bash("start", "-timeout", ""), [])
        self.assertEqual(self.bash("rpc", "rpc"), ["rpc.discover"])
        self.assertEqual(self.bash("completion", ""), ["bash", "zsh", "fish"])
        self.assertEqual(self.bash("restore", "litestream.y"), ["litestream.yml"])
        # Each word that is offered is one that the program takes.
        for verb in self.bash(""):
            flags = self.bash(verb, "-") if verb != "help" else []
            shown = self.ctl(verb, "-help") if verb != "help" else self.ctl("help")
            self.assertEqual(shown.returncode, 0, verb)
            self.assertEqual(flags[:-1], re.findall(r"(?m)^  (-[a-z-]+)", shown.stdout) if flags else [], verb)

    @unittest.skipUnless(shutil.which("fish"), "no fish here")
    def test_fish(self):
        self.script("fish")

        def offered(line):
            lines = self.shell("fish", "--no-config", "-c", "source litestreamctl.fish; complete -C $argv[1]", line)
            return [l.split("\t")[0] for l in lines]

        self.assertEqual(sorted(offered("litestreamctl sta")), ["start", "status"])
        self.assertIn("-wait", offered("litestreamctl start -w"))
        self.assertEqual(sorted(offered(f"litestreamctl status -socket {self.socket} ")),
                         [f"{self.dir}/a b.db", f"{self.dir}/app.db"])
        self.assertEqual(offered("litestreamctl status "), [])
        self.assertEqual(sorted(offered("litestreamctl completion ")), ["bash", "fish", "zsh"])
        self.assertEqual(offered("litestreamctl rpc rpc"), ["rpc.discover"])

    @unittest.skipUnless(shutil.which("zsh"), "no zsh here")
    def test_zsh(self):
        self.script("zsh")
        terminal = OnTerminal(["zsh", "-f", "-i"], self.dir, columns=200, environment=self.env)
        self.addCleanup(terminal.close)
        terminal.type("PS1='ready> '; bindkey -e; unsetopt beep; autoload -U compinit; compinit -u -D\n")
        # Ctrl-X s prints the line as it is and begins a new one.
        terminal.type("show() { zle -I; print -r -- \"<$BUFFER>\"; BUFFER= }; zle -N show; bindkey '^Xs' show\n")
        terminal.type("source ./litestreamctl.zsh; print load'ed'\n")
        terminal.wait_for("loaded")

        def completed(line, want):
            terminal.type(line + "\t\x18s")
            terminal.wait_for(f"<{want}>")

        completed("litestreamctl sto", "litestreamctl stop ")
        completed("litestreamctl start -wa", "litestreamctl start -wait ")
        completed(f"litestreamctl status -socket {self.socket} {self.dir}/ap", f"litestreamctl status -socket {self.socket} {self.dir}/app.db ")
        completed(f"litestreamctl status --socket {self.socket} {self.dir}/a\\ ",
                  f"litestreamctl status --socket {self.socket} {self.dir}/a\\ b.db ")
        completed("litestreamctl rpc rpc", "litestreamctl rpc rpc.discover ")
        completed("litestreamctl restore litestream.y", "litestreamctl restore litestream.yml ")
        terminal.text = ""
        terminal.type("litestreamctl s\t")
        for words in ("Start replication for a database", "Force an immediate sync"):
            terminal.wait_for(words)

    def test_an_unknown_shell_is_refused(self):
        self.refused("unknown shell csh: bash, zsh or fish", "completion", "csh", status=2)
        self.refused("shell required: bash, zsh or fish", "completion", status=2)
        self.refused("socket path required; use -socket flag", "completion", "paths", status=2)


class Manual(Scenario):
    def pages(self):
        yield "litestreamctl", self.run_program("litestreamctl", "manual")
        yield "litestreamd", self.run_program("litestreamd", "-help-man")

    def test_the_pages_name_every_command_and_flag(self):
        for name, done in self.pages():
            self.assertEqual((done.returncode, done.stderr), (0, ""), name)
            page = done.stdout.replace("\\-", "-")
            helped = [self.run_program(name, "-help").stdout]
            if name == "litestreamctl":
                verbs = re.findall(r"(?m)^  ([a-z.]+) ", helped[0])
                self.assertIn("top", verbs)
                helped = [self.run_program(name, verb, "-help").stdout for verb in verbs]
                for verb in verbs:
                    self.assertRegex(page, rf"(?m)^\.SS {re.escape(verb)}\b")
            for text in helped:
                for flag in re.findall(r"(?m)^  (-[a-z-]+)", text):
                    self.assertRegex(page, rf"(?m)^\\fB{flag}\b")
            for section in ("NAME", "SYNOPSIS", "EXIT STATUS"):
                self.assertIn(f".SH {section}\n", page)

    @unittest.skipUnless(shutil.which("groff") or shutil.which("man"), "no formatter here")
    def test_a_formatter_has_nothing_to_complain_of(self):
        for name, done in self.pages():
            page = self.config(done.stdout, name + ".1")
            command = ["groff", "-man", "-ww", "-Tascii"] if shutil.which("groff") else ["man", "--warnings", "-l"]
            formatted = subprocess.run([*command, page], capture_output=True, text=True, timeout=LIMIT, check=False,
                                       env={**os.environ, "MANWIDTH": "80"})
            self.assertEqual((formatted.returncode, formatted.stderr), (0, ""), name)
            text = re.sub(r"\x1b\[[0-9;]*m|.\x08", "", formatted.stdout)
            self.assertIn("EXIT STATUS", text)
            self.assertRegex(text, r"replicates SQLite|controls litestreamd")
            self.assertIn("-socket PATH" if name == "litestreamctl" else "-config PATH", text)
        self.assertIn("l0-retention-check-interval", text)


if __name__ == "__main__":
    unittest.main(verbosity=2)
