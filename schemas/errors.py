"""Every error an operator can meet: code, meaning, action. docs/reference/errors.md is made from this table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every verb (DESIGN 3)."""

    DONE = 0
    REFUSED = 1  #: refused by state, or a check failed
    USAGE = 2  #: wrong usage, a file we cannot obey
    OUTSIDE = 3  #: an outside system failed


@dataclass(frozen=True, kw_only=True)
class ErrorKind:
    """One row of the registry."""

    code: str
    meaning: str
    action: str
    exit: Exit


#: First digits of a code → what its group is about.
GROUPS = {
    "LG-01": "files and usage",
    "LG-02": "the stack",
    "LG-03": "the source",
    "LG-04": "plan and approval",
    "LG-05": "the destination",
    "LG-06": "a record's own fate",
    "LG-07": "the line halts",
    "LG-08": "proof",
}

_ROWS = [
    # 01xx files and usage
    ("LG-0101", "The migration file was not found.", "Run `lockgate init`, or name the file with --file.", Exit.USAGE),
    (
        "LG-0102",
        "The migration file is not valid.",
        "Correct the lines named; the JSON Schema is schemas/json/migration.schema.json.",
        Exit.USAGE,
    ),
    (
        "LG-0103",
        "A secret is missing: the environment variable named in the migration file is not set.",
        "Export it, then run the verb again.",
        Exit.USAGE,
    ),
    ("LG-0104", "A mapping file is not valid.", "Correct the lines named, then run `lockgate propose`.", Exit.USAGE),
    # 02xx the stack
    (
        "LG-0201",
        "Maven was not found; it fetches Kafka and Debezium once.",
        "Install Maven (Debian: apt-get install maven) and run the command again.",
        Exit.OUTSIDE,
    ),
    (
        "LG-0202",
        "A part of the local stack did not start.",
        "Read the tail of its log above; `lockgate down`, then `lockgate up`.",
        Exit.OUTSIDE,
    ),
    (
        "LG-0203",
        "A part of the local stack has died.",
        "Read the tail of its log above, then `lockgate up`.",
        Exit.OUTSIDE,
    ),
    ("LG-0204", "The local stack is not running.", "Run `lockgate up`.", Exit.REFUSED),
    (
        "LG-0205",
        "PostgreSQL or Java was not found, nor could be installed from wheels.",
        "Install postgresql and a Java >= 17, or set LOCKGATE_PG_BIN and JAVA_HOME.",
        Exit.OUTSIDE,
    ),
    (
        "LG-0206",
        "Kafka could not be reached.",
        "Check `engine.kafka` and that the broker runs; locally: `lockgate up`.",
        Exit.OUTSIDE,
    ),
    (
        "LG-0207",
        "Kafka Connect could not be reached or refused the connector.",
        "Check `engine.connect` and the message; locally: `lockgate up`.",
        Exit.OUTSIDE,
    ),
    (
        "LG-0208",
        "The ledger's PostgreSQL could not be reached.",
        "Check the ledger's address; locally: `lockgate up`.",
        Exit.OUTSIDE,
    ),
    # 03xx the source
    (
        "LG-0301",
        "The source's PostgreSQL could not be reached or refused the login.",
        "Check the DSN in the variable named by source.dsn_env.",
        Exit.OUTSIDE,
    ),
    (
        "LG-0302",
        "The source is not an Atomic CRM of an era this version moves.",
        "Compare the tables with sandbox/atomic_crm/ddl*.sql; eras 2024-07, 2025-01, 2026-02 and head are moved.",
        Exit.REFUSED,
    ),
    (
        "LG-0303",
        "The source cannot be captured as it is set up.",
        "Correct each point listed (wal_level, REPLICATION, slots, row level security), then start again.",
        Exit.REFUSED,
    ),
    (
        "LG-0304",
        "The connector failed.",
        "Read its trace above; correct the cause; `lockgate start` configures it again.",
        Exit.OUTSIDE,
    ),
    # 04xx plan and approval
    (
        "LG-0401",
        "The plan is not approved.",
        "Read it with `lockgate propose`, then `lockgate approve --revision REV --by NAME`.",
        Exit.REFUSED,
    ),
    (
        "LG-0402",
        "The revision to approve is not the plan as it stands now.",
        "Run `lockgate propose` and approve the revision it prints.",
        Exit.REFUSED,
    ),
    (
        "LG-0403",
        "Fields that the plan needs are missing in the destination.",
        "Run `lockgate provision`.",
        Exit.REFUSED,
    ),
    (
        "LG-0404",
        "Owners of the source have no member of that e-mail in the destination.",
        "Invite them, or set policies.owner_unmatched, then propose and approve again.",
        Exit.REFUSED,
    ),
    (
        "LG-0405",
        "The destination has an active workflow that would react to our writes.",
        "Deactivate it in the destination, or accept it by name under policies.accept_workflows.",
        Exit.REFUSED,
    ),
    (
        "LG-0406",
        "A field the plan writes exists in the destination with another type.",
        "Rename or remove that field, or change the mapping.",
        Exit.REFUSED,
    ),
    ("LG-0407", "Nothing has been started for this migration.", "Run `lockgate start`.", Exit.REFUSED),
    (
        "LG-0408",
        "The migration is already running.",
        "Use `lockgate status`; stop it with Ctrl-C where it runs, or `lockgate stop`.",
        Exit.REFUSED,
    ),
    (
        "LG-0409",
        "There is no such record, or it is not in a state that allows this.",
        "Look at it with `lockgate trail OBJECT KEY`.",
        Exit.REFUSED,
    ),
    (
        "LG-0410",
        "The decision cannot be carried out now.",
        "Read what was found; look at the record with `lockgate trail OBJECT KEY`, then decide again.",
        Exit.REFUSED,
    ),
    (
        "LG-0411",
        "The migration file names another destination than the one that was filled so far.",
        "Set destination.url back; to fill another workspace use another migration name.",
        Exit.REFUSED,
    ),
    # 05xx the destination
    ("LG-0501", "The destination could not be reached.", "Check destination.url and the network.", Exit.OUTSIDE),
    (
        "LG-0502",
        "The destination refused the key.",
        "Make a new API key with the rights of an admin role and export it under destination.key_env.",
        Exit.OUTSIDE,
    ),
    (
        "LG-0503",
        "The destination answered in a way this version does not know.",
        "Read the answer; report it with the version of the destination.",
        Exit.OUTSIDE,
    ),
    (
        "LG-0504",
        "The destination refused to make a field.",
        "Read its words; create the field by hand or change its name in the mapping.",
        Exit.REFUSED,
    ),
    # 06xx a record's own fate (stored in the ledger as reason codes)
    (
        "LG-0601",
        "The destination will never take this record.",
        "Correct the value in the source; the newer image replaces it.",
        Exit.REFUSED,
    ),
    (
        "LG-0602",
        "The transform failed on this record.",
        "Report the code and key; correct the value in the source.",
        Exit.REFUSED,
    ),
    (
        "LG-0603",
        "A large value of this row was never captured.",
        "Touch the row's column in the source, or recapture the table.",
        Exit.REFUSED,
    ),
    (
        "LG-0604",
        "A row of the destination that was there before us holds this record's unique value.",
        "Decide: adopt, skip, or correct one of the two.",
        Exit.REFUSED,
    ),
    (
        "LG-0605",
        "A person deleted this record in the destination.",
        "policies.on_deleted_twin decides; restore it there to go on.",
        Exit.REFUSED,
    ),
    ("LG-0606", "The record waits for its parent.", "Nothing: it is released when the parent lands.", Exit.REFUSED),
    (
        "LG-0607",
        "The record waits for a unique value that another of our records still holds.",
        "Nothing: it is released when the other gives it up.",
        Exit.REFUSED,
    ),
    (
        "LG-0608",
        "The row is outside the plan's filter.",
        "Nothing, or change the filter and approve the new revision.",
        Exit.REFUSED,
    ),
    ("LG-0609", "The row only feeds other records.", "Nothing.", Exit.REFUSED),
    (
        "LG-0610",
        "A person left this record behind.",
        "Nothing; a newer image of its row asks again.",
        Exit.REFUSED,
    ),
    # 07xx the line halts
    (
        "LG-0701",
        "A cdc topic is not the one the ledger knows.",
        "Nothing was skipped. To capture anew: another migration name, the same id_namespace.",
        Exit.OUTSIDE,
    ),
    (
        "LG-0702",
        "A consumer group lost its offset.",
        "Nothing was skipped. To capture anew: another migration name, the same id_namespace.",
        Exit.OUTSIDE,
    ),
    (
        "LG-0703",
        "A worker stopped on an error it does not know.",
        "Read the tail of its log; its batch was not acknowledged and is read again at the next start.",
        Exit.OUTSIDE,
    ),
    (
        "LG-0704",
        "A table was truncated in the source.",
        "Decide: resume the object to keep the destination's records.",
        Exit.REFUSED,
    ),
    # 08xx proof
    ("LG-0801", "Source and destination differ.", "Read the differences listed; nothing was changed.", Exit.REFUSED),
    (
        "LG-0802",
        "The line did not drain in time.",
        "Look at `lockgate status`: parked, asked and dead records and the workers.",
        Exit.REFUSED,
    ),
]

REGISTRY = {
    code: ErrorKind(code=code, meaning=meaning, action=action, exit=exit_) for code, meaning, action, exit_ in _ROWS
}


class LockgateError(Exception):
    """An error an operator reads: code, meaning, what was found, what to do next. Never a secret, nothing personal."""

    def __init__(self, code: str, found: str = "", *, details: Sequence[str] = ()) -> None:
        self.kind = REGISTRY[code]
        self.found = found
        self.details = tuple(details)
        super().__init__(self.message())
        for line in self.details:
            self.add_note(line)

    @property
    def code(self) -> str:
        """The stable code, e.g. `LG-0401`."""
        return self.kind.code

    def message(self) -> str:
        """One line for logs: code, meaning, what was found."""
        return f"{self.kind.code} {self.kind.meaning}" + (f" {self.found}" if self.found else "")
