"""A workflow as a Mermaid flowchart."""

from __future__ import annotations

from collections.abc import Sequence

from agno_cli.workflows._plan import (
    ConditionPlan,
    InnerPlan,
    ListPlan,
    LoopPlan,
    NodePlan,
    ParallelPlan,
    RouterPlan,
    StepPlan,
    WorkflowPlan,
)

_Ends = list[tuple[str, str]]  # where arrows begin: a box, and what stands at its arrow


def mermaid(plan: WorkflowPlan) -> str:
    """Draw a workflow; arrows show what follows on what."""
    picture = _Picture()
    ends = picture.draw(plan.body, [("start", "")])
    picture.arrows(ends, "finish")
    lines = ["flowchart TD", f"start([{_quoted(plan.name)}])", *picture.lines, 'finish(["end"])']
    return "\n".join([*lines, *picture.links]) + "\n"


class _Picture:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.links: list[str] = []
        self._count = 0

    def arrows(self, ends: _Ends, box: str, style: str = "-->") -> None:
        """Draw arrows to a box."""
        for begin, words in ends:
            label = f"|{_quoted(words)}|" if words else ""
            self.links.append(f"{begin} {style}{label} {box}")

    def draw(self, node: NodePlan, ends: _Ends) -> _Ends:
        """Draw a node after these ends; give those that the next node follows on."""
        if isinstance(node, ListPlan):
            for item in node.nodes:
                ends = self.draw(item, ends)
            return ends
        if isinstance(node, StepPlan):
            return self._step(node, ends)
        if isinstance(node, InnerPlan):
            return self._inner(node, ends)
        if isinstance(node, ParallelPlan):
            return self._parallel(node, ends)
        if isinstance(node, ConditionPlan):
            return self._condition(node, ends)
        return self._loop(node, ends) if isinstance(node, LoopPlan) else self._router(node, ends)

    def _box(self, name: str, ends: _Ends, shape: str = "[]") -> str:
        self._count += 1
        box = f"n{self._count}"
        half = len(shape) // 2
        self.lines.append(f"{box}{shape[:half]}{_quoted(name)}{shape[half:]}")
        self.arrows(ends, box)
        return box

    def _step(self, node: StepPlan, ends: _Ends) -> _Ends:
        shape = "[]" if node.runnable is not None else "[[]]"
        return [(self._box(node.name, ends, shape), "")]

    def _inner(self, node: InnerPlan, ends: _Ends) -> _Ends:
        self._count += 1
        self.lines.append(f"subgraph s{self._count}[{_quoted(node.name)}]")
        ends = self.draw(node.body, ends)
        self.lines.append("end")
        return ends

    def _parallel(self, node: ParallelPlan, ends: _Ends) -> _Ends:
        fork = self._box(node.name, ends, "{{}}")
        branches: _Ends = []
        for name, branch in zip(node.names, node.branches, strict=True):
            words = "" if isinstance(branch, StepPlan) and branch.name == name else name
            branches += self.draw(branch, [(fork, words)])
        return [(self._box("merge", branches, "{{}}"), "")]

    def _condition(self, node: ConditionPlan, ends: _Ends) -> _Ends:
        question = self._box(node.name, ends, "{}")
        held = self.draw(node.then, [(question, "yes")])
        if node.otherwise is None:
            return [*held, (question, "no")]
        return [*held, *self.draw(node.otherwise, [(question, "no")])]

    def _loop(self, node: LoopPlan, ends: _Ends) -> _Ends:
        begin = self._box(node.name, ends, "([])")
        body = self.draw(node.body, [(begin, "")])
        if node.until is None:
            again = self._box(f"{node.max_rounds} times", body, "{}")
        else:
            again = self._box(f"until done, at most {node.max_rounds} times", body, "{}")
        self.arrows([(again, "again")], begin, "-.->")
        return [(again, "done")]

    def _router(self, node: RouterPlan, ends: _Ends) -> _Ends:
        if node.asks is not None:
            ends = self._step(node.asks, ends)
        fork = self._box(node.name, ends, "{}")
        return _joined([self.draw(route, [(fork, key)]) for key, route in node.routes.items()])


def _joined(several: Sequence[_Ends]) -> _Ends:
    return [end for ends in several for end in ends]


def _quoted(text: str) -> str:
    """Quote a text; Mermaid writes what could end it as an entity code."""
    codes = {char: f"#{ord(char)};" for char in '"#<>&;`\\|'}
    return '"' + "".join(codes.get(char, char) for char in " ".join(text.split())) + '"'
