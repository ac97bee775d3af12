"""Markdown pages as programs: whoever reads one does, block by block, what it says.

A fenced block is

- a console where its first line begins with `$ `: each command is run, and what it prints is shown
  below it, as a terminal of 80 columns shows it, without colours and blanks at the ends. A line
  that is `…` alone stands for lines that are left out. A command that ends with another status
  than 0 is followed by `$ echo $?`, or is answered with a mistake, `error[…`;
- `yaml`: a file, where its first line is a comment with a name: specs and devices are right in the
  end, and what a workflow or a hook of pre-commit runs is run; else a spec or a part of one, which
  is right;
- `diff`: changes, each of the file that the line before it names, `@@ mine.yaml`;
- `python`: run, with one namespace for the page; results are shown as doctest has them, `>>>`. One
  that is the signature of a function is not;
- `text`, or nothing: a drawing.

What the blocks write is in one folder for the page. A command in a sentence is run too, and ends
with 0; one that is only spoken of, or has a placeholder, is there.
"""

from __future__ import annotations

import ast
import contextlib
import difflib
import doctest
import io
import re
import shlex
import shutil
import subprocess
import sys
import traceback
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from convcalc import devices
from convcalc.cli import main
from tests.conftest import run_convcalc

#: A fenced block, a heading, or code in a sentence.
PART = re.compile(
    r"^(?P<indent> *)```(?P<kind>\w*)\n(?P<body>.*?)^ *```$"
    r"|^#+ [^\n]*$"
    r"|(?<!`)`(?P<inline>convcalc\s[^`]+)`",
    re.MULTILINE | re.DOTALL,
)
#: A command, which goes on after a `\` at the end of a line, and what it prints.
COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
#: What makes a command one for a shell.
SHELL = re.compile(r"[|<>;&*$]")
#: What stands for something else in a command: `NAME`, `…`, `nets/*.yaml`, `<(make-spec)`; or is
#: code, which needs a package that may not be here: `timm:create_model`.
PLACEHOLDER = re.compile(r"\b[A-Z]{2,}\b|…|[<>*]|\w:\w")
LEFT_OUT = "  …"

#: Commands of packages that may not be here.
NEEDING = ("verify",)

#: What an element of `layers` is tried on where its comment does not say.
INPUT = [64, 56, 56]


class Reader:
    """Someone who follows a page, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.status = 0
        self.names: dict[str, Any] = {"__name__": "page"}

    def rewritten(self, text: str) -> str:
        """The page with what is printed now. Raises AssertionError for what does not work."""
        rewritten = PART.sub(self._part, text)
        for path in self.folder.glob("[!.]*.yaml"):
            if "bytes_per_second" in yaml.safe_load(path.read_text(encoding="utf-8")):
                devices.read(str(path))
                continue
            outcome = run_convcalc("validate", str(path))
            assert outcome.status == 0, outcome.err
        return rewritten

    def _part(self, found: re.Match[str]) -> str:
        if found["inline"]:
            self.mentioned(found["inline"].replace(r"\|", "|").split())
        if found["kind"] is None:
            return found[0]
        kind, indent = found["kind"], found["indent"]
        body = re.sub(f"^{indent}", "", found["body"], flags=re.MULTILINE)
        shown = self.block(kind, body)
        return f"{indent}```{kind}\n" + re.sub("^(?=.)", indent, shown, flags=re.M) + f"{indent}```"

    def block(self, kind: str, body: str) -> str:
        """Do what a block says; the block as it should be."""
        if body.startswith("$ "):
            return self.console(body)
        if kind == "python":
            return self.python(body)
        if kind == "yaml":
            self.yaml(body)
        elif kind == "diff":
            self.diff(body)
        else:
            assert kind in ("", "text"), f"nothing is done with {kind}"
            commands = re.findall(r"^convcalc .*", body, re.MULTILINE)
            assert commands == [], "a command is shown as `$ command`, to be run"
        return body

    # Commands

    def mentioned(self, words: list[str]) -> None:
        """A command in a sentence."""
        command = " ".join(words)
        if len(words) == 2 or words[1] in NEEDING or PLACEHOLDER.search(command):
            command = f"convcalc {words[1]} --help"
        self.succeed(command)

    def succeed(self, command: str) -> None:
        printed = self.run(command)
        assert self.status == 0, f"`{command}` ends with {self.status}:\n{printed}"

    def console(self, body: str) -> str:
        commands = COMMAND.findall(body)
        pieces = []
        for index, (command, shown) in enumerate(commands):
            printed = self.run(command)
            is_said = [next_ for next_, _ in commands[index + 1 : index + 2]] == ["echo $?"]
            is_mistake = self.status == 2 and "error[" in printed
            assert self.status == 0 or is_said or is_mistake, (
                f"`{command}` ends with {self.status}, and the page does not say so:\n{printed}"
            )
            pieces.append(f"$ {command}\n{fitted(shown, printed)}")
        return "".join(pieces)

    def run(self, command: str) -> str:
        """What a command prints, on both streams; `status` is what it ends with."""
        if command == "echo $?":
            printed, self.status = f"{self.status}\n", 0
            return printed
        words = shlex.split(command.replace("\\\n", " "))
        if words[0] == "convcalc" and not SHELL.search(command):
            self.status, printed = on_a_screen(words[1:])
        else:
            self.status, printed = self._in_a_shell(command)
        lines = [line.rstrip() for line in printed.splitlines()]
        return "\n".join(lines).rstrip() + "\n" if printed.strip() else ""

    def _in_a_shell(self, command: str) -> tuple[int, str]:
        """Run a command line with this convcalc as `convcalc`."""
        script = self.folder / ".bin" / "convcalc"
        if not script.exists():
            script.parent.mkdir()
            script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m convcalc "$@"\n')
            script.chmod(0o755)
        done = subprocess.run(
            ["bash", "-c", f'PATH="$PWD/.bin:$PATH"; {command}'],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        return done.returncode, done.stdout

    # Files and fragments

    def yaml(self, body: str) -> None:
        data = yaml.safe_load(body)
        name = re.match(r"# (\S+\.ya?ml)\n", body)
        if name:
            path = self.folder / name[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(body, encoding="utf-8")
            for command in [*_steps(data), *self._hooks(data)]:
                self.succeed(command)
            return
        for spec in _specs(data, body):
            text = yaml.safe_dump(spec, sort_keys=False, allow_unicode=True)
            outcome = run_convcalc("validate", "-", stdin=text.encode())
            assert outcome.status == 0, f"{body}\n{outcome.err}"

    def _hooks(self, file: dict[str, Any]) -> Iterator[str]:
        """The commands of hooks for pre-commit, on the files that they are for."""
        for repository in file.get("repos", []):
            for hook in repository["hooks"]:
                names = [str(path.relative_to(self.folder)) for path in self.folder.rglob("*")]
                yield " ".join([hook["entry"], *filter(re.compile(hook["files"]).search, names)])

    def diff(self, body: str) -> None:
        nothing, *hunks = re.split("^@@ ", body, flags=re.MULTILINE)
        assert not nothing, "the first line of a diff is `@@ FILE`"
        for hunk in hunks:
            name, *lines = hunk.splitlines(keepends=True)
            before = "".join(line[1:] for line in lines if line[0] != "+")
            after = "".join(line[1:] for line in lines if line[0] != "-")
            path = self.folder / name.strip()
            text = path.read_text(encoding="utf-8")
            assert text.count(before) == 1, f"{path.name} has {text.count(before)} of:\n{before}"
            path.write_text(text.replace(before, after), encoding="utf-8")

    # Python

    def python(self, body: str) -> str:
        if ">>>" not in body:
            if not _is_signature(body):
                exec(compile(body, "<page>", "exec", dont_inherit=True), self.names)
            return body
        pieces = []
        for part in doctest.DocTestParser().parse(body):
            if isinstance(part, str):
                pieces.append(part)
                continue
            first, *more = part.source.splitlines()
            source = "\n".join([f">>> {first}", *(f"... {line}".rstrip() for line in more)])
            pieces.append(f"{source}\n{self._result(part)}")
        return "".join(pieces)

    def _result(self, example: doctest.Example) -> str:
        """What Python's prompt prints after a statement; as the page has it, where it says that."""
        says_so = partial(doctest.OutputChecker().check_output, optionflags=doctest.ELLIPSIS)
        with contextlib.redirect_stdout(io.StringIO()) as out:
            try:
                exec(compile(example.source, "<page>", "single", dont_inherit=True), self.names)
            except Exception as error:
                raised = "".join(traceback.format_exception_only(error))
                if says_so(example.exc_msg or "", raised):
                    return example.want
                return f"Traceback (most recent call last):\n    ...\n{raised}"
        if says_so(example.want, out.getvalue()):
            return example.want
        return re.sub(r"^ *$(?=\n)", "<BLANKLINE>", out.getvalue(), flags=re.MULTILINE)


def _is_signature(body: str) -> bool:
    """Whether a block says how something is called: `convcalc.load(name: str, /) -> Network`."""
    try:
        ast.parse(body)
    except SyntaxError:
        ast.parse(re.sub(r"^[\w.]+", "def name", body.strip()) + ": ...")
        return True
    return False


class _Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_a_screen(args: list[str]) -> tuple[int, str]:
    """The status of a command line, and what a terminal shows of it, without styles."""
    screen = _Screen()
    status: Any = 0
    with contextlib.redirect_stdout(screen), contextlib.redirect_stderr(screen):
        try:
            main(args)
        except SystemExit as end:
            status = end.code
    return int(status or 0), re.sub(r"\x1b\[[\d;]*m", "", screen.getvalue())


def fitted(shown: str, printed: str) -> str:
    """The lines of an output that a page shows: all of them, or those that it chose.

    Where what is printed has changed, these are the lines that are most like those that were shown.
    """
    if LEFT_OUT.strip() not in map(str.strip, shown.splitlines()):
        return printed
    lines = printed.splitlines()
    chosen: list[int] = []
    for piece in _pieces(shown):
        start = chosen[-1] + 1 if chosen else 0
        ends = range(start, len(lines) - len(piece) + 1)
        exact = next((at for at in ends if lines[at : at + len(piece)] == piece), None)
        if exact is not None:
            chosen += range(exact, exact + len(piece))
            continue
        for line in piece:
            rest = range(chosen[-1] + 1 if chosen else 0, len(lines))
            if rest:
                chosen.append(max(rest, key=lambda at: _likeness(line, lines[at])))
    result = []
    for before, at in zip([-1, *chosen], [*chosen, len(lines)]):
        result += [LEFT_OUT] if at > before + 1 else []
        result += lines[at : at + 1]
    return "".join(f"{line}\n" for line in result)


def _pieces(shown: str) -> Iterator[list[str]]:
    """The lines between those that stand for what is left out."""
    piece: list[str] = []
    for line in [*shown.splitlines(), LEFT_OUT]:
        if line.strip() != LEFT_OUT.strip():
            piece.append(line)
        elif piece:
            yield piece
            piece = []


def _likeness(one: str, other: str) -> float:
    """How alike two lines are, digits aside."""
    first, second = (re.sub(r"[\d,. ]+", " ", line) for line in (one, other))
    return difflib.SequenceMatcher(None, first, second, autojunk=False).ratio()


def _specs(data: Any, body: str) -> Iterator[dict[str, Any]]:
    """Whole specs of a spec or a fragment: each layer alone, a part of the top level."""
    whole = {"name": "Fragment", "input": INPUT, "layers": ["relu"]}
    if isinstance(data, dict):
        yield {**whole, **data}
        return
    said = re.search(r"# ([\d×]+) →", body)
    shape = [int(size) for size in said[1].split("×")] if said else INPUT
    for element in data:
        (call,) = element.values() if isinstance(element, dict) else ({},)
        names = call.get("from", "input") if isinstance(call, dict) else "input"
        inputs: Any = shape if names == "input" else dict.fromkeys(names, shape)
        yield {"name": "Fragment", "input": inputs, "layers": [element]}


def _steps(file: dict[str, Any]) -> Iterator[str]:
    """The commands of a workflow that are convcalc's; none of what is no workflow."""
    for job in file.get("jobs", {}).values():
        for step in job["steps"]:
            for line in step.get("run", "").splitlines():
                if line.startswith("convcalc "):
                    yield line


def snippets(text: str) -> list[tuple[str, str]]:
    """What a page tells its reader to do: commands, and code without its comments."""
    found = []
    for part in PART.finditer(text):
        kind, body = part["kind"], part["body"]
        if kind == "":
            found += [("command", command) for command, _ in COMMAND.findall(body)]
        elif kind in ("yaml", "python", "diff"):
            found.append((kind, re.sub(r" +#.*", "", body)))
    return found


def missing_tools(text: str) -> set[str]:
    """Programs that a page pipes answers to and that are not on this machine."""
    piped = re.findall(r"^\$ convcalc [^|\n]*\| (\w+)", text, re.MULTILINE)
    return {name for name in piped if shutil.which(name) is None}
