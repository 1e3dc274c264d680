"""The one workflow of a fresh workspace, run as an instance with code steps runs it (`twenty.md` 0.6 and 10).

Every person written with an e-mail gets the company of its domain, made if need be, over the company it had."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from sandbox.twenty.errors import TwentyError
from sandbox.twenty.records import Actor, Event
from sandbox.twenty.signup import COMPANY_WORKFLOW
from sandbox.twenty.workspace import Workspace

_MAKER = Actor(source="WORKFLOW", name="Workflow")
_MOVER = Actor(source="APPLICATION", name="Standard")


class Runner:
    """Runs the workflow some time after the write that triggered it."""

    def __init__(self, workspace: Workspace, delay_s: float) -> None:
        self.workspace = workspace
        self.delay_s = delay_s
        self._tasks: set[asyncio.Task[None]] = set()

    def hear(self, events: Sequence[Event]) -> None:
        """Persons made, or whose e-mails changed; those that mail or calendar synchronisation made are skipped."""
        ids = [
            str(event.row["id"])
            for event in events
            if event.item.name == "person"
            and (event.action == "created" or (event.action == "updated" and "emails" in (event.changed or ())))
            and event.row["createdBy"]["source"] not in {"EMAIL", "CALENDAR"}
        ]
        if ids and self._is_active():
            task = asyncio.get_running_loop().create_task(self._run(ids))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _is_active(self) -> bool:
        """Is the trigger row there? A soft-deleted one no longer runs, whatever the workflow's status says."""
        rows = self.workspace.store.rows
        for trigger in rows["workflowAutomatedTrigger"].values():
            flow = rows["workflow"].get(trigger["workflowId"] or "")
            if trigger["deletedAt"] is None and flow is not None and flow["name"] == COMPANY_WORKFLOW:
                return True
        return False

    async def _run(self, ids: Sequence[str]) -> None:
        await asyncio.sleep(self.delay_s)
        for row_id in ids:
            with contextlib.suppress(TwentyError):  # a domain that is no address: that run fails, the next goes on
                self._move(row_id)
        self.workspace.store.flush()

    def _move(self, row_id: str) -> None:
        store = self.workspace.store
        person = store.rows["person"].get(row_id)
        domain = person["emails"]["primaryEmail"].rpartition("@")[2] if person else ""
        if not domain:
            return
        company = self._company(domain)
        writer = self.workspace.writer(store.objects["person"], _MOVER)
        moved = writer.update_one(row_id, {"companyId": company})
        self.workspace.note("workflow", "update", store.objects["person"], [moved])
        self.workspace.publish(writer.events)

    def _company(self, domain: str) -> str:
        store = self.workspace.store
        item = store.objects["company"]
        key = next(one for one in item.uniques if one.field == "domainName")
        for text in (domain, f"https://{domain}"):
            holder = store.holder("company", key, text)
            if holder is not None:
                return holder
        writer = self.workspace.writer(item, _MAKER)
        made = writer.create([{"name": domain, "domainName": {"primaryLinkUrl": domain}}], upsert=False)
        self.workspace.note("workflow", "create", item, made)
        self.workspace.publish(writer.events)
        return str(made[0]["id"])
