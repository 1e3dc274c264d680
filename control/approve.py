"""`lockgate approve --revision REV --by NAME`: a person signs the plan as it stands now (law 6)."""

from __future__ import annotations

from control import propose
from control.context import Context
from ledger import journal, plans
from schemas.errors import LockgateError

#: What a person may shorten a revision to.
SHORTEST = 12


def approve(context: Context, revision: str, by: str) -> propose.Proposal:
    """Stores content, who and when; a running line obeys it from the next `start` on, which checks the shapes first.

    Raises LG-0402 when `revision` is not the plan as it stands now."""
    proposal = propose.build(context)
    if len(revision) < SHORTEST or not proposal.revision.startswith(revision.lower()):
        raise LockgateError("LG-0402", f"Now it is {proposal.revision}.")
    with context.ledger("approve", create=True) as conn, conn.transaction():
        plans.propose(conn, proposal.plan)
        plans.approve(conn, proposal.revision, by)
        journal.note(conn, by, "approved", detail={"revision": proposal.revision})
    return proposal


def approved(context: Context) -> plans.Approval:
    """The approved plan. Raises LG-0401 when there is none."""
    try:
        with context.ledger("approval") as conn:
            found = plans.approved(conn)
    except LockgateError as error:
        if error.code != "LG-0407":
            raise
        found = None
    if found is None:
        raise LockgateError("LG-0401", f"Migration {context.file.migration}.")
    return found
